"""Why a client did not come, and how that feels, in single words: data, written by hand (contract section 2).

Behind "no show" these are a note, never a client, with a capital or without. Many are clinic words as well; the others
may be somebody's name elsewhere. Lower case, folded.
"""

from __future__ import annotations

_ILL = """
    allergic allergy ambulance anemia anxiety appendix appointment arthritis asthma bleeding botox bug cancer chemo
    chicken chickenpox chills cold concussion contagious corona cough coughing covid covid19 cramps croup dehydrated
    depressed depression dialysis diarrhea diarrhoea dizziness dizzy doctor doctors dr ear ebola emergency er
    exhausted exhaustion eye fainted fatigue fever feverish flare flu foot fracture gastro germs gout hayfever
    headache heart hiccups hospital hospitalised hospitalized ill illness indigestion infection influenza injured
    injury insomnia isolating isolation kidney knee labor labour lice malaria measles meds mental migraine migraines
    miscarriage mono mumps nausea nauseous norovirus numb operation pain panic panicked period pinkeye pneumonia
    poisoned poisoning positive pregnancy pregnant quarantine quarantined rash reflux relapse rsv seizure shingles
    sick sinus sleep sleepy sneezing sore sprained stitches stomach strep stroke sunburn sunstroke surgery symptoms
    temperature tests throat tired tonsillitis tonsils tooth toothache ulcer unwell uti vaccination vaccine vertigo
    viral virus vomit vomited vomiting whiplash worse
"""
_ON_THE_WAY = """
    accident airport avalanche battery bike blizzard blocked bridge broke broken bus cab car catalyst closed closure
    commute crash crashed delayed delays detour directions downpour driving earthquake elevator ferry fire flat
    flight flood flooded flooding fog gas gps gridlock hail heat heatwave highway hurricane ice icy jam keys late
    lift locked lost metro motorway mud outage oversleeping overslept parking plane plow plowed police protest rail
    raining rainstorm ride road roads roadworks route sleet slept slippery snowed snowing snowstorm stalled storm
    stranded streetcar strike stuck subway taxi tire tires tornado tow towed traffic train trains transit transport
    transportation truck tyre uber underground walk walking weather wind windstorm wreck wrong
"""
_AT_HOME = """
    arrested aunt baby babysitter bereavement birthday boss brother cat ceremony chickens childcare children clash
    clashed class clinic coffee conference conflict course court custody dad daughter daycare deadline death dentist
    died divorce dog double exam exams family father fight flatmate friend funeral graduation grandad grandma
    grandmother grandson guests holiday holidays homework honeymoon house husband internet interview jail job jury
    kid kids landlord laptop lawyer leak marriage meeting mix mixup mom mother mother's move moved moving mum nanny
    neighbor neighbour nephew niece noise overtime overworked parent parents partner party passport pet phone pipe
    plans plumber practice prison puppy relative religious roommate school shift shifts shooting sister sitter
    spouse teacher teen toddler travel traveling travelling trip twins uncle vacation vet visa visitors wedding wife
    wifi work working zoom
"""
_OTHERWISE = """
    anxious asleep in lapse lapsed mixed thought town wants
    address afraid again agreed alarm amnesia angry apologetic app appt argument assumed avoidance avoiding aware
    away booked busy called canceled cancelled changed claims clock communication
    confused confusion crying date daylight declined details disorganised disorganized dropped dst email
    embarrassed error excuse excuses expensive fear fifth finished forgetful forgetting forgot
    forgotten fourth ghosted ghosting glitch guilt hangover homeless hour hours hungover idea ignored insurance link
    login lonely memory message messed misread mistake misunderstanding misunderstood money month mood nerves
    nervous none overbooked overwhelmed password pattern payday
    quit reason reasons refused relapsed row sad scared
    second shame shy silence stopped stress stressed tech technical technology text texted third time times
    timezone twice unable unclear unknown unreachable upset usual voicemail waited week weeks withdrew
    worried yesterday zone
"""
_MOODS = """
    aargh annoyed annoying argh awful bad boo bummer concerned concerning crap damn dang darn disappointed
    disappointing disrespectful embarrassing exasperating finally fine frustrated frustrating fuming furious
    goodness great grr grrr grumpy gutted hmm hmmph hurt inconsiderate irritated irritating lol mad meh miffed
    naturally nice obviously ok okay omg oops ouch pity puzzled puzzling relieved resigned rude sadly seriously
    shocked shocking sigh sighs sorry strange surprise surprised surprising surprisingly typical ugh unbelievable
    unfortunate unfortunately unhappy unusual upsetting weird whatever wow wtf
"""

REASONS = frozenset(f"{_ILL}{_ON_THE_WAY}{_AT_HOME}{_OTHERWISE}{_MOODS}".split())
