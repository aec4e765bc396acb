"""What a CRM export holds: its 13 columns, and what may stand in each.

Everything else in the package takes its names from here.
"""

import pandas as pd

#: The type of a column of text: pandas' own since pandas 3, Python's objects before. A missing name is missing in both.
TEXT = pd.Series(["text"]).dtype

#: The day the export was taken. A date after it lies in the future *of the data*, whatever today's date is.
SNAPSHOT_DATE = pd.Timestamp("2022-04-28")

#: No customer relation in this data is older; an earlier date is a typing error.
EARLIEST_DATE = pd.Timestamp("2000-01-01")

#: Clean name -> column of the export, for the two dates at which the firm wrote to a prospect.
CONTACTS = {"first_contact": "First Contact", "last_contact": "Last Contact"}

#: Clean name -> column of the export, for the five milestones and the goal, in the order of the funnel.
EVENTS = {
    "call": "First Call",
    "demo": "Signed up for a demo",
    "survey": "Filled in customer survey",
    "signup": "Did sign up to the platform",
    "manager": "Account Manager assigned",
    "subscribed": "Subscribed",
}

#: The export's columns, in its order.
COLUMNS = ("ID", "Country", "Education", *CONTACTS.values(), "Status", "Stage", *EVENTS.values())

DATE_COLUMNS = (*CONTACTS.values(), *EVENTS.values())

#: How far the sequence of sales messages has come.
STATUSES = ("1st message", "2nd message", "3rd message")

#: What the sales team noted about the prospect. Most rows have no note.
STAGES = (
    "do not contact",
    "not interested",
    "declined/canceled call",
    "did not join the call",
    "interested",
    "subscribed already",
)

#: The 30 bootcamps. The numbers are aliases given by the owner of the data: they have no order (chapter 2).
BOOTCAMPS = tuple(f"B{number}" for number in range(1, 31))
