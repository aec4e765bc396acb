"""The three neighbours of the funnel: email audiences, offers and weekly budgets (Part IV)."""
