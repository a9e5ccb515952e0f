"""The operator's view of the data: for looking and for taking down, never for editing evidence."""
