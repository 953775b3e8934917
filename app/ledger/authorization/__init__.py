"""Authorization: decides whether an order may be submitted, and places its hold.

GroupCommit.authorize ─> queue ─> batch ─┬─ one transaction ──────────────────────────────┬─> answers
(group_commit)                           │ decide: lock, read, decide     write    commit │
                                         │ (authorize, decision_state)    (storage)       │
"""
