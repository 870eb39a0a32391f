"""The words of a clinic's mail that are nobody's name: data, written by hand (contract section 3, "CLIENT").

A line such as "Late fee for your file" holds one of them, and so names no client. Not here is every word that people
are called too (will, may, hope, art, to, an, day, park, case, min): a test holds the list apart from given names and
common surnames. Lower case, without full stops.
"""

from __future__ import annotations

_OF_LANGUAGE = """
    about actually after again all almost alone already also although always am and anybody anyone anything anyway
    apologies are around arrives as asap ask asked asking at away back basically because been before being both
    bring busy but by can't cannot cant could couldn't did didn't didnt does doesn't don't dont down due each either
    enough every everybody everyone everything except few first for forgot from get gets getting give given giving
    gone got had happened happening happens has hasn't have haven't having he'll he's hello her here here's hers hey
    hi him his how however i'd i'll i'm i've if informed into is isn't it it's its itself just keep kept know known
    knows last least leaves left less let let's letting like likely lose losing make makes making many maybe me
    might more most much must my myself need needed needs never next no nobody none not nothing notified notify now
    of off often ok okay on once one ones only onto other our ours out over own perhaps please possible possibly
    probably put quick quickly quite ran rather really right runs same say says second several shall she she'll
    she's should since someone something sometimes somewhere soonest sorry sort still stuff such sure take taken
    taking than's thank thanks that that's the their theirs them themselves then there there's these they they'll
    they're this those though through til together too took toward towards twice unavoidable under unexpected
    unexpectedly unfortunately unless unsure until up upon us usual usually very want wanted wants was wasn't we
    we'll we're were what what's when where whether which while who who's whole whom whose why with within without
    ahead another argh bit btw damn fyi hundred lol omg oops pls plz sry thx ugh
    won't would wouldn't yes yet you you'll you're your yours yourself
"""

_OF_TIME = """
    afternoon afternoons bedtime birthday birthdays breakfast coffee daily date dates dec december dinner earlier
    early-morning evening evenings feb february fortnight fri friday half hour hourly hours hr hrs later latest
    lunch lunchtime midday midnight mins minute minutes moment moments monday month monthly months morning mornings
    night nights nov november oct october period periods pm quarter saturday seconds sept september shortly snack
    spring-break sunday supper thurs thursday time times timing tmr tmrw tmw today tommorow tommorrow tomorow tomorrow
    tonight tue tues tuesday vacation wed wednesday week weekday weekend weekly weeks year yearly years yesterday
"""

_OF_THE_CLINIC = """
    absence absent account accounts action activities activity add added address admin admission agenda agreement
    alarm alert alerts announcement answer answered application appointment appointments approval approved appt
    appts area areas arrival arrivals arrive arrived arriving assessment assessments assignment assignments
    assistance associate associates attached attachment attend attendance attended attending available balance
    bank-transfer benefit benefits billed billing bloomer bloomers booked booking bookings breaking briefing budget
    button calendar call called caller calling calls came cancel canceled canceling cancellation cancellations
    cancelled cancelling cancels care ceu change changed changes charge charged charges chart charting charts chat
    check check-in checked checkin checking checkout cheque cheques children claim claims class classes client
    client's clients clinic clinical clinician clinicians close-out closed closing colleague colleagues come comes
    coming comment comments complaint concern concerns conference conferences confirm confirmation confirmed
    confirming connect connected connecting connection connections consent consult consultation consults contact
    contacted contacting conversation conversations copy correction cost costs counselling counsellor counsellors
    couple's course cover coverage covered credit credits cried crisis crying data deadline deadlines debit decision
    delay delayed delays delivered delivery departure deposit desk details diagnosis directions discharge discount
    discuss discussion document documentation documents donation done door dose doses draft drop drop-in drop-off
    dropoff dropped dropping ehr email emailed emailing emails emergency employee entries entry episode episodes
    error estimate eta evaluation event extra fax fee feedback fees file filed files filing fill finance fines
    finished finishing fix follow follow-up followup form forms forwarded front fundraiser game goal goals
    guidelines handbook handout hands hear heard hearing help hold homework host human hygiene ill illness included
    info information inquiry instructions insurance intake intakes intern internet interns interview invoice
    invoiced invoices invoicing issue issues join joined joining landlord late lateness leave leaving letter letters
    licence license link links list listed listing log login lot lots mail mailbox maintenance make-up makeup
    manager mandatory medication medications meet meeting meetings member members memo message messaged messages
    messaging metrics missed missing mistake mistaken mobile move moved moving news newsletter no-show no-shows
    noshow noshows note noted notes notice notification number numbers offer office online open opening openings
    opportunities opportunity order orders orientation outstanding overdue overtime owed owes paid paper papers
    paperwork parcel parking partners party password patient patients payment payments payroll penalties penalty
    pending percentage permission person phone phoned phoning pick pickup pill pills plan plans plumber point points
    policies policy portal position presentation printer privacy problem problems procedure process program progress
    project protocol question questionnaire questions quote rate rates reach reached reaching rebook rebooked
    rebooking receipt receipts receive received receiving reception receptionist recommendation record records
    reduced referral referrals refund refunded refunds registration regular reimbursement remind reminder reminders
    remittance remove removed renew renewal renewals rent replied replies reply replying report reports request
    requested requests resched reschedule rescheduled rescheduling response responses result results retry return
    returned returning returns review reviews risk room rooms roster running safety saying schedule scheduled
    schedules scheduling screen seat seen send sending sent service services session session's sessions set setup
    share shared shift shifts show showed shows sick sign sign-up signature signed signup slip slips slot slots
    software someone's staff staffing stage start started starting starts statement statistics stats status stepping
    stopped submission submissions submit submitted subscription subsidy summary supervision supervisor supervisors
    supplies support survey switch system target targets tax taxes team teams tech technical telehealth text texted
    texting texts therapist therapists therapy thing things threshold ticket tickets told tomorrow's total totals
    training transfer treatment trend trends trying turn unable undo unreachable unread update updated updates
    upload urgent use used using venue video virtual visit visits vm voice voicemail voicemails wait waited waiting
    waitlist waitlisted walk-in webinar webinars website welcome wi-fi wifi willing word words work worked working
    workshop write writing written wrong wrote yoga zoom
    amazon analytics anxiously audit authorisation authorization beat break breaks brunch cbt clarification clause
    cleaner cleaners contractor courier cue dashboard dbt deliveries dispatch downstairs drill eagerly electrician emdr
    end enrollment enrolment facetime fedex fire funding garbage gym hallway impatiently inside job jobs lobby
    locksmith messenger model mortgage nervously outdoors outside package packages patiently pattern patterns pay
    practice punch purolator quietly rehearsal repair repairs rsvp rule rules salary shipment shipping signature
    signatures skype slack socks spot spreadsheet step storey swipe technician template tracker upstairs vaccination
    vaccine verification wages whatsapp
"""

_ON_THE_WAY = """
    accident airport appliance baby babysitter behind bike blocked bridge broke broken broken-down bus buses cab car
    childcare closure commute commuting computer construction crash dad daughter daycare dead dentist detour died
    doctor's drive driving elevator emergency-room exit fell flat flight fog funeral gas headache heading highway
    home hospital husband ice icy inbound jam jammed kid kids laptop lift line lineup locked lost migraine mom
    mother motorway mum oversleeping overslept parked pharmacy plane platform power-cut rear-ended road roads route
    rushing school skytrain sleeping slept slow standstill streetcar stuck subway taxi tire tires toilet traffic
    train trains transit truck uber unwell vet weather wife
"""

CLINIC_WORDS = frozenset(f"{_OF_LANGUAGE}{_OF_TIME}{_OF_THE_CLINIC}{_ON_THE_WAY}".split())
"""None of these is part of a client's name."""

_IN_GROUPS = """
    afternoon afternoons cbt children's couples daily dbt emdr evening evenings friday fridays men's monday mondays
    monthly morning mornings parents' saturday saturdays sunday sundays support therapy thursday thursdays tuesday
    tuesdays wednesday wednesdays weekly women's
"""

GROUP_WORDS = frozenset(_IN_GROUPS.split())
"""Clinic words that may stand in a group's name: "Tuesday DBT group"."""
