"""One country, one name: what people write for a country, whatever its letters, accents, articles and titles."""

import functools
import re
import unicodedata

import pycountry

#: ISO 3166 code -> the name we use, where it is not the standard's own short name.
OUR_NAMES = {
    "USA": "USA",
    "GBR": "UK",
    "BOL": "Bolivia",
    "CZE": "Czechia",
    "IRN": "Iran",
    "KOR": "South Korea",
    "MDA": "Moldova",
    "MKD": "North Macedonia",
    "PSE": "Palestine",
    "RUS": "Russia",
    "TUR": "Turkey",
    "TWN": "Taiwan",
    "TZA": "Tanzania",
    "VEN": "Venezuela",
    "VNM": "Vietnam",
}

#: ISO 3166 code -> what else people write, beside the standard's short, official and common names: shorter and former
#: names, abbreviations, places. Capitals, accents, punctuation, a "the" and "Republic of" need no entry of their own.
OTHER_NAMES = {
    "ARE": ("UAE", "Emirates", "Dubai", "Abu Dhabi"),
    "ATG": ("Antigua",),
    "BFA": ("Upper Volta",),
    "BIH": ("Bosnia", "Bosnia-Herzegovina"),
    "BLR": ("Belorussia", "Byelorussia"),
    "BRN": ("Brunei",),
    "CHN": ("PRC", "Mainland China"),
    "CIV": ("Ivory Coast",),
    "COD": (
        "DR Congo",
        "DRC",
        "Congo DR",
        "Democratic Republic of Congo",
        "Congo, Democratic Republic",
        "Congo-Kinshasa",
        "Zaire",
    ),
    "COG": ("Congo Republic", "Congo-Brazzaville", "Republic of the Congo"),
    "CPV": ("Cape Verde",),
    "CZE": ("Czech Republic", "Czechia (Czech Republic)"),
    "DEU": ("Deutschland",),
    "EGY": ("Egypt, Arab Republic",),
    "FLK": ("Falkland Islands", "Falklands", "Malvinas"),
    "FSM": ("Micronesia",),
    "GBR": ("UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland", "Nottingham"),
    "GRC": ("Greek", "Hellas"),
    "HKG": ("Hong Kong SAR", "Hong Kong SAR China", "Hong Kong, China"),
    "IRL": ("Republic of Ireland", "Eire"),
    "IRN": ("Persia", "Iran, Islamic Republic"),
    "KGZ": ("Kirghizia", "Kirgizstan", "Kyrgyz", "Kyrgyz Republic"),
    "KHM": ("Kampuchea",),
    "KNA": ("Saint Kitts",),
    "KOR": ("Korea", "Korea, South", "Korea (South)", "S. Korea", "ROK", "Republic of Korea", "Seoul"),
    "LAO": ("Laos", "Lao PDR", "Lao P.D.R."),
    "LBY": ("Libyan Arab Jamahiriya", "Libyan Arab Republic"),
    "LKA": ("Ceylon",),
    "MAC": ("Macau", "Macau SAR", "Macao SAR"),
    "MAF": ("Saint Martin",),
    "MDA": ("Moldavia",),
    "MKD": ("Macedonia", "FYROM", "FYR Macedonia", "Macedonia (FYROM)", "Former Yugoslav Republic of Macedonia"),
    "MMR": ("Burma", "Myanmar (Burma)"),
    "NLD": ("Holland",),
    "PNG": ("PNG",),
    "PRK": ("Korea, North", "Korea (North)", "N. Korea", "DPRK"),
    "PSE": ("Palestinian Territories", "Palestinian Territory", "Occupied Palestinian Territory"),
    "SAU": ("KSA", "Saudi"),
    "SHN": ("Saint Helena",),
    "STP": ("São Tomé", "São Tomé and Príncipe"),
    "SVK": ("Slovak Republic",),
    "SWZ": ("Swaziland",),
    "SXM": ("Sint Maarten",),
    "SYR": ("Syria",),
    "THA": ("Siam",),
    "TLS": ("East Timor",),
    "TTO": ("Trinidad",),
    "TUR": ("Turkey (Türkiye)",),
    "TWN": ("Taiwan ROC", "Taiwan, China", "Republic of China", "China, Republic of", "Chinese Taipei"),
    "TZA": ("Tanganyika",),
    "USA": ("US", "United States of America", "America", "US of A", "California", "Philadelphia"),
    "VAT": ("Vatican", "Vatican City", "Vatican City State", "Holy See"),
    "VCT": ("Saint Vincent",),
    "VGB": ("British Virgin Islands", "BVI"),
    "VIR": ("US Virgin Islands", "USVI", "United States Virgin Islands"),
    "VNM": ("Vietnamese",),
    "WSM": ("Western Samoa",),
}


#: Words that make no difference, and words in full.
WORDS = {"the": "", "of": "", "st": "saint", "rep": "republic", "dem": "democratic", "fed": "federation", "&": "and"}


def plain(name: str) -> str:
    """What the spellings of one name share: no capitals, accents, punctuation, "the" or "of"; "and" for "&"."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    letters = re.sub(r"[.'’‘`´ʼ]", "", letters.casefold())  # U.S.A. is USA, Cote d'Ivoire is Cote dIvoire
    words = re.sub(r"[-‐‑–,()/]", " ", letters.replace("&", " & ")).split()
    return " ".join(word for word in (WORDS.get(word, word) for word in words) if word)


@functools.cache
def _names() -> dict[str, str]:
    """Every spelling we know, made plain -> the name we use."""
    names = {}
    for country in pycountry.countries:
        ours = OUR_NAMES.get(country.alpha_3, country.name)
        official = (getattr(country, kind, ours) for kind in ("name", "official_name", "common_name"))
        for name in (ours, *official, *OTHER_NAMES.get(country.alpha_3, ())):
            names[plain(name)] = ours
    return names


@functools.cache
def country_named(text: str) -> str | None:
    """The country that a text names, by the name we use; None if it names none, or more than one."""
    name = plain(text)
    return _names().get(name) or _names().get(name.removeprefix("republic ").removesuffix(" republic"))
