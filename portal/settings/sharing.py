"""Settings of sharing: terms of demands, reports of errors, applications from outside, renewals and reviews."""

from portal.settings.environment import env

# --- Three lists ----------------------------------------------------------------------------------------------------
DEMAND_ASSIGN_DAYS = env.int("DEMAND_ASSIGN_DAYS", default=5)
"""Working days in which the authority names the holder of data that are asked for (practice of the provinces)."""
DEMAND_ANSWER_DAYS = env.int("DEMAND_ANSWER_DAYS", default=10)
"""Working days in which the holder answers a demand, or a question why a record is not shared (practice)."""
DEMAND_CONFIRM_DAYS = env.int("DEMAND_CONFIRM_DAYS", default=10)
"""Working days that the asker has to object, after which a demand whose data are in the catalogue is fulfilled."""
DEMAND_EMAIL_KEEP_DAYS = env.int("DEMAND_EMAIL_KEEP_DAYS", default=30)
"""Days after the end of a citizen's demand after which their e-mail address is deleted."""
OPEN_APPLICATIONS_AN_HOUR = env.int("OPEN_APPLICATIONS_AN_HOUR", default=5)
"""Applications for conditionally open data that one address may send within an hour."""
OPEN_CONTACT_KEEP_DAYS = env.int("OPEN_CONTACT_KEEP_DAYS", default=30)
"""Days after the end of an application from outside, and of its last grant, after which its contact is deleted."""
DEMANDS_AN_HOUR = env.int("DEMANDS_AN_HOUR", default=5)
"""Demands that one address may send to the public section within an hour."""
CORRECTION_ANSWER_DAYS = env.int("CORRECTION_ANSWER_DAYS", default=10)
"""Working days in which the holder answers a report of an error; one extension adds as many (R809)."""
CORRECTION_CONFIRM_DAYS = env.int("CORRECTION_CONFIRM_DAYS", default=10)
"""Working days that the reporter has to object to the answer, after which the report is closed (practice)."""
CORRECTION_SETTLE_DAYS = env.int("CORRECTION_SETTLE_DAYS", default=15)
"""Working days in which the data authority settles an objection, as it does a dispute (R809)."""
CORRECTIONS_AN_HOUR = env.int("CORRECTIONS_AN_HOUR", default=5)
"""Reports of errors that one address may send to the public section within an hour."""
CORRECTION_EMAIL_KEEP_DAYS = env.int("CORRECTION_EMAIL_KEEP_DAYS", default=30)
"""Days after the end of a citizen's report after which their e-mail address is deleted."""
RESPONSIBILITY_WARN_DAYS = env.int("RESPONSIBILITY_WARN_DAYS", default=5)
"""Working days before a due day of the responsibility list on which the department is told."""
RESPONSIBILITY_IMPORT_ROWS = env.int("RESPONSIBILITY_IMPORT_ROWS", default=5_000)
"""The most lines that a workbook of responsibilities may have."""
NOT_SHARING_LONGEST_DAYS = env.int("NOT_SHARING_LONGEST_DAYS", default=730)
"""Days after a review of not sharing within which the next one must be set."""

# --- Grants: renewal and yearly review (practice; none of these is in the text of a regulation) ---------------------
GRANT_RENEW_WINDOW_DAYS = env.int("GRANT_RENEW_WINDOW_DAYS", default=60)
"""Days before its end from which a grant can be renewed in one step."""
GRANT_RENEW_LONGEST_DAYS = env.int("GRANT_RENEW_LONGEST_DAYS", default=365)
"""The longest term of a renewal; the first term of the grant limits it, too."""
GRANT_RENEW_DECIDE_DAYS = env.int("GRANT_RENEW_DECIDE_DAYS", default=5)
"""Working days in which the provider decides on the renewal of a conditionally shared dataset."""
GRANT_EXPIRY_NOTICE_DAYS = env.list("GRANT_EXPIRY_NOTICE_DAYS", cast=int, default=[60, 30, 7])
"""Days before the end of a grant on which its department is told."""
GRANT_REVIEW_AFTER_DAYS = env.int("GRANT_REVIEW_AFTER_DAYS", default=365)
"""Days since its issue or last confirmation after which the use of a grant is to be confirmed."""
GRANT_REVIEW_DAYS = env.int("GRANT_REVIEW_DAYS", default=30)
"""Days that the department has for it, after which the grant is suspended."""
GRANT_REVIEW_REMIND_DAYS = env.int("GRANT_REVIEW_REMIND_DAYS", default=15)
"""Days before that end on which it is reminded."""
GRANT_REVIEW_WARN_DAYS = env.int("GRANT_REVIEW_WARN_DAYS", default=7)
"""Days before the suspension on which it is warned; never suspended sooner after the warning."""
