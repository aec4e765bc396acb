"""One country has one name, whatever people write for it; what is no country, or two, stays none."""

import unicodedata
from collections import defaultdict

import pycountry
import pytest

from crm_rl.data.cells import read_country
from crm_rl.data.countries import OTHER_NAMES, OUR_NAMES, country_named, plain

SPELLINGS = {
    "Turkey": ("Türkiye", unicodedata.normalize("NFD", "Türkiye"), "TURKIYE", "Republic of Turkey", "Turkey (Türkiye)"),
    "Côte d'Ivoire": ("Côte d’Ivoire", unicodedata.normalize("NFD", "Côte d'Ivoire"), "Cote d`Ivoire", "Ivory Coast"),
    "Lao People's Democratic Republic": ("Laos", "Lao PDR", "Lao People’s Democratic Republic", "The Laos"),
    "Brunei Darussalam": ("Brunei", "brunei darussalam"),
    "Congo, The Democratic Republic of the": (
        "DR Congo", "D.R. Congo", "DRC", "Democratic Republic of the Congo", "The Democratic Republic of Congo",
        "Congo, Dem. Rep.", "Congo-Kinshasa", "Congo (Kinshasa)", "Zaire",
    ),
    "Congo": ("Republic of the Congo", "Congo, Republic of the", "Congo, Rep.", "Congo-Brazzaville"),
    "Cabo Verde": ("Cape Verde", "Cape-Verde", "Republic of Cabo Verde"),
    "Netherlands": ("The Netherlands", "Netherlands, The", "the netherlands", "Holland"),
    "Bahamas": ("The Bahamas", "Bahamas, The"),
    "Gambia": ("The Gambia", "Gambia, The"),
    "Philippines": ("The Philippines", "Republic of the Philippines"),
    "USA": ("USA", "U.S.A.", "US", "U.S.", "United States", "United States of America", "The United States", "the US"),
    "UK": ("U.K.", "United Kingdom", "Great Britain", "United Kingdom of Great Britain and Northern Ireland"),
    "United Arab Emirates": ("UAE", "U.A.E.", "The United Arab Emirates"),
    "South Korea": ("Korea", "Republic of Korea", "Korea, Republic of", "Korea, South", "S. Korea", "Korea, Rep."),
    "Korea, Democratic People's Republic of": ("North Korea", "DPRK", "Democratic People’s Republic of Korea"),
    "Russia": ("Russian Federation", "The Russian Federation"),
    "Syrian Arab Republic": ("Syria",),
    "Vietnam": ("Viet Nam", "Viet-Nam", "Socialist Republic of Viet Nam"),
    "Czechia": ("Czech Republic", "The Czech Republic"),
    "Eswatini": ("Swaziland",),
    "Myanmar": ("Burma", "Myanmar (Burma)"),
    "North Macedonia": ("Macedonia", "FYROM", "Republic of North Macedonia"),
    "Timor-Leste": ("East Timor", "Timor Leste"),
    "Bosnia and Herzegovina": ("Bosnia & Herzegovina", "Bosnia-Herzegovina", "Bosnia"),
    "Trinidad and Tobago": ("Trinidad & Tobago", "Trinidad"),
    "Antigua and Barbuda": ("Antigua & Barbuda",),
    "Saint Kitts and Nevis": ("St. Kitts & Nevis", "St Kitts and Nevis"),
    "Saint Vincent and the Grenadines": ("St. Vincent & the Grenadines", "St Vincent"),
    "Saint Lucia": ("St. Lucia", "St Lucia"),
    "Sao Tome and Principe": ("São Tomé and Príncipe", "Sao Tome & Principe"),
    "Holy See (Vatican City State)": ("Vatican", "Vatican City", "Holy See"),
    "Iran": ("Islamic Republic of Iran", "Iran, Islamic Republic of", "Iran (Islamic Republic of)", "Persia"),
    "Venezuela": ("Venezuela, Bolivarian Republic of", "Bolivarian Republic of Venezuela"),
    "Bolivia": ("Plurinational State of Bolivia", "Bolivia (Plurinational State of)"),
    "Tanzania": ("United Republic of Tanzania", "Tanzania, United Republic of"),
    "Moldova": ("Republic of Moldova", "Moldova, Republic of"),
    "Micronesia, Federated States of": ("Micronesia", "Micronesia (Federated States of)"),
    "Palestine": ("State of Palestine", "Palestine, State of", "Palestinian Territories"),
    "Taiwan": ("Republic of China", "Taiwan, Province of China", "China, Republic of"),
    "China": ("People's Republic of China", "People’s Republic of China", "PRC"),
    "Ireland": ("Republic of Ireland",),
    "Slovakia": ("Slovak Republic",),
    "Kyrgyzstan": ("Kyrgyz Republic",),
    "Macao": ("Macau",),
    "Guinea-Bissau": ("Guinea Bissau",),
    "Réunion": ("Reunion",),
    "Curaçao": ("Curacao",),
    "Egypt": ("Arab Republic of Egypt", "Egypt, Arab Rep."),
    "Yemen": ("Republic of Yemen", "Yemen, Rep."),
    "Libya": ("Libyan Arab Jamahiriya",),
}  # fmt: skip


@pytest.mark.parametrize(("name", "written"), [(name, written) for name, all_ in SPELLINGS.items() for written in all_])
def test_one_country_in_every_spelling(name, written):
    assert read_country(written) == (name, None if written == name else "other spelling")
    assert read_country(f"  {written.upper()} ").value == name
    assert read_country(unicodedata.normalize("NFD", written)).value == name


@pytest.mark.parametrize(
    "written",
    ["", "-", "the", "of", "CA ", "DE", "NA", "n/a", "Canada & USA", "Canada and USA", "Europe", "Full time", "Remote",
     "Republic", "Virgin Islands", "Турция", "In\x00dia", "s", "x"],
)  # fmt: skip
def test_what_is_not_one_country_is_none(written):
    assert read_country(written) == (None, "not one country")


def test_every_country_is_known_by_each_of_its_standard_names():
    for country in pycountry.countries:
        ours = OUR_NAMES.get(country.alpha_3, country.name)
        assert read_country(ours) == (ours, None)
        for kind in ("name", "official_name", "common_name"):
            assert country_named(getattr(country, kind, ours)) == ours


def test_no_spelling_stands_for_two_countries():
    codes = defaultdict(set)
    for country in pycountry.countries:
        names = [getattr(country, kind, country.name) for kind in ("name", "official_name", "common_name")]
        for name in (*names, OUR_NAMES.get(country.alpha_3, country.name), *OTHER_NAMES.get(country.alpha_3, ())):
            codes[plain(name)].add(country.alpha_3)
    assert {name: both for name, both in codes.items() if len(both) > 1} == {}


def test_every_entry_names_a_country_of_the_standard():
    known = {country.alpha_3 for country in pycountry.countries}
    assert OUR_NAMES.keys() | OTHER_NAMES.keys() <= known
