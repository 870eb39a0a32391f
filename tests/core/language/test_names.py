"""What is a client's name, and how it is greeted, shortened, printed and compared. Contract section 3."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from tests.rows import each
from workflow.core.language.clinic_words import CLINIC_WORDS, GROUP_WORDS
from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.names import (
    GROUPS,
    JOINERS,
    TITLES,
    as_client,
    greeting,
    initials,
    printed,
    same_client,
    short_person,
    shown,
)
from workflow.core.language.plain import fold

_SURNAMES = """
    abbott ahmed alexander ali allen alvarez an anderson andrews armstrong arnold ashe bailey baker banks barber
    barnes bell bennett berry best bird bishop black boyd bradley bright brook brooks brown bryant burke burns bush
    butler campbell carpenter carr carter cash castillo castro chan chang chapman chase chavez chen child chin cho
    church clark cohen cole coleman collins cook cooper cox crane crawford cross cruz cunningham daniels das davies
    davis day dean diaz dixon do duke duncan dunn early edwards elliott ellis english evans farmer ferguson
    fernandez field fields fisher fleming fletcher ford foster fox frank franklin freeman french frost fuller garcia
    gardner gibson gill gold gomez gonzales good gordon graham grant graves gray green greene griffin gupta hall
    hamilton hansen hardy harper harris harrison hart harvey hayes he head henderson henry hernandez hicks hill
    hirsch ho hoffman holland holmes hope hopkins howard hu hudson hughes hunt hunter im jackson jacobs james
    jenkins jensen johnson johnston jones jordan joseph joshi judge kaur kelly kennedy kerr khan kim king knight
    kumar la lam lamb lambert lane larson lau law lawrence le lee leung lewis li lim lin little liu lo long lopez
    love low lynch lyon ma macdonald marsh marshall martin martinez mason matthews may mccoy mcdonald mendoza meyer
    miller mills min mitchell moody moon moore morales moreno morgan morris morrison moss murphy murray myers nash
    nelson newman newton ng nguyen nichols noble noon north o'brien o'connor o'neil oh oliver olson ortiz owens page
    palmer park parker parsons patel patterson payne pearson penn perez perry peters pham phillips pierce poole pope
    porter post powell power price prince quinn ramirez ramos reed reid reyes reynolds rice rich richards rivera
    rivers roberts robinson rodriguez rogers romero rose ross roy ruiz russell ryan salazar sanchez sanders sandhu
    santos schmidt schwartz scott shah sharma sharp shaw short silva simmons simpson sims singh small smith snow
    snyder so son soto spencer stanley steele stevens stewart stone street strong sullivan sun swift tan taylor
    thomas thompson thorne to todd torres tran tremblay tucker turner tyler vargas vasquez wade wagner walker
    wallace walsh walters wang ward warner washington watkins watson watts weaver webb weber welch wells west
    wheeler white wilkins williams wilson winter wise wolfe wong wood woods wright wu yang young yu zhang
"""
SURNAMES = _SURNAMES.split()


@each("people", [GIVEN_NAMES, SURNAMES])
def test_no_clinic_word_is_a_name(people: Collection[str]) -> None:
    assert len(people) >= 300
    assert sorted(CLINIC_WORDS.intersection(people)) == []
    assert not TITLES.intersection(people)
    assert not GROUPS.intersection(people)


def test_every_common_name_is_a_client() -> None:
    people = [*GIVEN_NAMES, *SURNAMES]
    assert [name for name in people if as_client([name]) is None or as_client(["Sam", name]) is None] == []


def test_the_list_is_written_as_it_is_compared() -> None:
    assert all(
        word == word.casefold() and "." not in word and fold(word) == word for word in CLINIC_WORDS | GROUP_WORDS
    )


@each(
    ("typed", "name"),
    [
        ("Sam", "Sam"),
        ("sam peters", "Sam Peters"),
        ("Sam P.", "Sam P."),
        ("s.p.", "S.P."),
        ("sp", "SP"),
        ("o'neil", "O'Neil"),
        ("d'angelo", "D'Angelo"),
        ("jose's", "Jose's"),
        ("zoë-marie", "Zoë-Marie"),
        ("JOSÉ", "JOSÉ"),
        ("mcdonald", "McDonald"),
        ("de la cruz", "de la Cruz"),
        ("maria de la cruz", "Maria de la Cruz"),
        ("anna van dyke", "Anna van Dyke"),
        ("van tran", "Van Tran"),
        ("la toya", "La Toya"),
        ("ng", "Ng"),
        ("NG", "NG"),
        ("bell hooks", "Bell Hooks"),
        ("sam Peters", "Sam Peters"),
        ("mrs smith", "Mrs Smith"),
        ("dr. smith", "Dr. Smith"),
        ("martin king jr.", "Martin King Jr."),
        ("henry ford ii", "Henry Ford II"),
        ("sam & kim", "Sam & Kim"),
        ("sam and kim", "Sam and Kim"),
        ("sam + kim / lee", "Sam + Kim / Lee"),
        ("mr and mrs smith", "Mr and Mrs Smith"),
        ("smith family", "Smith family"),
        ("the smith family", "Smith family"),
        ("Smith Family", "Smith Family"),
        ("dbt group", "DBT group"),
        ("tuesday dbt group", "Tuesday DBT group"),
        ("women's group", "Women's group"),
        ("the two of us group", None),
        ("李", "李"),
        ("Владимир", "Владимир"),
        ("अमित", "अमित"),
        ("mrs anna de la cruz", "Mrs Anna de la Cruz"),
        ("ann bea cyd dee eve", None),
        ("", None),
        ("mrs", None),
        ("mr and mrs", None),
        ("& sam", None),
        ("sam &", None),
        ("sam & & kim", None),
        ("family", None),
        ("sam and family", None),
        ("the smiths", None),
        ("your fee", None),
        ("sam's session", None),
        ("client's", None),
        ("no-show", None),
        ("sam-texted", None),
        ("Sam2", None),
        ("sam@home.test", None),
        ("-sam", None),
        (".", None),
        ("'", None),
        ("$", None),
    ],
)
def test_what_is_a_client(typed: str, name: str | None) -> None:
    assert as_client(typed.split()) == name


NAMES = [
    # name, greeting, initials, first_initial
    ("Sam", "Hi Sam", "S.", "Sam"),
    ("Sam P.", "Hi Sam", "S.P.", "Sam P."),
    ("Sam P", "Hi Sam", "S.P.", "Sam P."),
    ("Sam Peters", "Hi Sam", "S.P.", "Sam P."),
    ("Sam Alan Peters", "Hi Sam", "S.A.P.", "Sam P."),
    ("Martin King Jr.", "Hi Martin", "M.K.", "Martin K."),
    ("SAM", "Hi Sam", "S.", "SAM"),
    ("Ng", "Hi Ng", "N.", "Ng"),
    ("NG", "Hi", "N.G.", "NG"),
    ("JO", "Hi", "J.O.", "JO"),
    ("S", "Hi", "S.", "S"),
    ("S.P.", "Hi", "S.P.", "S.P."),
    ("SP", "Hi", "S.P.", "SP"),
    ("S. Peters", "Hi", "S.P.", "S. P."),
    ("J.P. Morgan", "Hi", "J.P.M.", "J.P. M."),
    ("Mrs Smith", "Hi Mrs Smith", "S.", "Mrs S."),
    ("Mrs. Smith", "Hi Mrs. Smith", "S.", "Mrs. S."),
    ("Mrs Jane Smith", "Hi Mrs Smith", "J.S.", "Mrs S."),
    ("Dr de la Cruz", "Hi Dr de la Cruz", "C.", "Dr C."),
    ("Mrs Anna de la Cruz", "Hi Mrs de la Cruz", "A.C.", "Mrs C."),
    ("Mrs S.", "Hi", "S.", "Mrs S."),
    ("Maria de la Cruz", "Hi Maria", "M.C.", "Maria C."),
    ("de la Cruz", "Hi", "C.", "de la C."),
    ("Van Tran", "Hi Van", "V.T.", "Van T."),
    ("O'Neil", "Hi O'Neil", "O.", "O'Neil"),
    ("Zoë-Marie", "Hi Zoë-Marie", "Z.", "Zoë-Marie"),
    ("To An", "Hi To", "T.A.", "To A."),
    ("李", "Hi 李", "李.", "李"),
    ("Sam & Kim", "Hi", "S. & K.", "Sam & Kim"),
    ("Sam Peters and Kim Lee", "Hi", "S.P. & K.L.", "Sam P. and Kim L."),
    ("Mr and Mrs Smith", "Hi", "S.", "Mr and Mrs S."),
    ("Smith family", "Hi", "S. family", "S. family"),
    ("SMITH FAMILY", "Hi", "S. FAMILY", "S. FAMILY"),
    ("KIM couple", "Hi", "K. couple", "K. couple"),
    ("DBT group", "Hi", "DBT group", "DBT group"),
    ("Tuesday DBT group", "Hi", "Tuesday DBT group", "Tuesday DBT group"),
    ("12 group", "Hi", "12 group", "12 group"),
]


@each(("name", "hello", "short", "first"), NAMES)
def test_how_a_client_is_called(name: str, hello: str, short: str, first: str) -> None:
    assert greeting(name) == hello
    assert initials(name) == shown(name, "initials") == short
    assert shown(name, "first_initial") == first
    assert shown(name, "as_written") == name


def test_nobody_is_called_nothing() -> None:
    assert (greeting(None), initials(None)) == ("Hi", "")
    assert shown(None, "first_initial") is None
    assert shown("", "first_initial") == ""


def test_the_same_client() -> None:
    assert same_client("Zoë P.", "zoe p")
    assert same_client("S.P.", "sp")
    assert not same_client("Sam", "Sam P.")
    assert not same_client("Sam & Kim", "Sam")


@each(
    ("name", "short"),
    [
        ("Dana Lee", "Dana L."),
        ("Dana", "Dana"),
        ("Dr. Dana Lee", "Dana L."),
        ("Dr Lee", "Dr Lee"),
        ("Dana Lee, RP", "Dana L."),
        ("Dana Lee (she)", "Dana L."),
        ("Maria de la Cruz", "Maria C."),
        ("", ""),
        ("(she)", "(she)"),
    ],
)
def test_an_associate_in_short(name: str, short: str) -> None:
    assert short_person(name) == short


@given(
    st.text(), st.lists(st.sampled_from(["Sam", "&", "Mrs", "family", "S.P.", "de", "Jr", ".", "'", ""])).map(" ".join)
)
def test_any_text_is_a_name_or_none(text: str, row: str) -> None:
    for name in (text, row):
        as_client(name.split())
        for setting in ("first_initial", "initials", "as_written"):
            assert isinstance(shown(name, setting), str)
        assert greeting(name).startswith("Hi")
        assert isinstance(short_person(name), str)


@given(st.sampled_from([*GIVEN_NAMES, *SURNAMES]), st.sampled_from([*GIVEN_NAMES, *SURNAMES]))
def test_printing_twice_changes_nothing(one: str, other: str) -> None:
    name = printed(f"{one} {other}")
    assert printed(name) == name
    assert same_client(name, f"{one} {other}")
    assert not JOINERS.intersection(name.split())
