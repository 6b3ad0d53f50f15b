"""What the queue's journal may say, as SQL conditions that serve both databases.

The queue has one writer: a row of `events`. A trigger checks it against these rules and makes the change of
`assignments` that it tells; no other change of `assignments` passes, but for a heartbeat. So the chained journal and
the state of the work cannot part, whoever writes: the program, or somebody with SQL of their own.

Placeholders: `{s}` before a table's name, `{clock}` the ledger's clock, `{ttl}` the length of a lease in microseconds.
"""

MOST_LEASES = 8
"""How many leases one person may hold: the image on screen, those being prefetched, and a few that crashed."""

MOST_TTL_US = 86_400_000_000
"""No lease lasts longer without a heartbeat."""

MOST_STEP_US = MOST_TTL_US + 1_000_000
"""The furthest that the ledger's clock moves in one step: enough to end every lease."""

MOST_BACK_US = 2 * MOST_TTL_US
"""A machine's clock set back by less is waited for; set back further, it was wrong before and is right now."""

OCCUPYING_STATES = ("assigned", "leased", "submitted", "in_review", "accepted", "returned")
"""States of work that take one of a task's places."""
HOLDING_EVENTS = ("lease", "resume", "recall")
"""Events that begin a lease under a new token."""
JUDGING_EVENTS = ("review", "accept", "return")
"""Events whose comment stays with the work."""

OCCUPYING, HOLDING, JUDGING = (str(names) for names in (OCCUPYING_STATES, HOLDING_EVENTS, JUDGING_EVENTS))

STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "assign": ("assigned", ("none", "expired", "skipped")),
    "lease": ("leased", ("none", "expired", "assigned", "returned")),
    "resume": ("leased", ("leased",)),
    "recall": ("leased", ("submitted",)),
    "expire": ("expired", ("leased",)),
    "give_back": ("expired", ("leased",)),
    "skip": ("skipped", ("leased",)),
    "submit": ("submitted", ("leased",)),
    "review": ("in_review", ("submitted",)),
    "accept": ("accepted", ("submitted", "in_review")),
    "return": ("returned", ("submitted", "in_review", "accepted")),
}
"""What each event makes of work, and from which states; "none" is work that was not there before."""

_OLD = "COALESCE((SELECT a.state FROM {s}assignments a WHERE a.assignment = NEW.assignment), 'none')"
_STEP = " ".join(
    f"WHEN '{event}' THEN NEW.state = '{new}' AND {_OLD} IN ({', '.join(map(repr, old))})"
    for event, (new, old) in STEPS.items()
)
_HELD = "(SELECT count(*) FROM {s}assignments a WHERE a.annotator = NEW.annotator AND a.state = 'leased')"
_ENDS = "(SELECT a.expires FROM {s}assignments a WHERE a.assignment = NEW.assignment)"
_ENDED = "(SELECT 1 FROM {s}annotators p WHERE p.name = NEW.annotator AND NOT p.active)"

EVENT_RULES: tuple[tuple[str, str], ...] = (
    (
        "this event is not what happened to the work",
        """NOT EXISTS (SELECT 1 FROM {s}tasks t WHERE t.task = NEW.task AND t.scene_id = NEW.scene_id
            AND t.level = NEW.level AND t.purpose = NEW.purpose)
        OR EXISTS (SELECT 1 FROM {s}assignments a WHERE a.assignment = NEW.assignment
            AND (a.task <> NEW.task OR a.annotator <> NEW.annotator))
        OR (NEW.state IS NOT NULL AND (NEW.assignment IS NULL OR NEW.annotator IS NULL))""",
    ),
    (
        "work cannot go from this state to that one",
        f"(CASE NEW.event {_STEP} ELSE NEW.event IN ('add', 'raise', 'flag') AND NEW.state IS NULL END) IS NOT TRUE",
    ),
    (
        "this person has this task already",
        f"""NEW.state IS NOT NULL AND {_OLD} = 'none' AND EXISTS (
            SELECT 1 FROM {{s}}assignments a WHERE a.task = NEW.task AND a.annotator = NEW.annotator)""",
    ),
    (
        "new work takes the next number",
        f"""NEW.state IS NOT NULL AND {_OLD} = 'none'
        AND NEW.assignment <> (SELECT COALESCE(max(a.assignment), 0) + 1 FROM {{s}}assignments a)""",
    ),
    (
        "this task has no free place",
        f"""NEW.state IN {OCCUPYING} AND {_OLD} NOT IN {OCCUPYING}
        AND (SELECT t.free FROM {{s}}tasks t WHERE t.task = NEW.task) <= 0""",
    ),
    (
        "this annotator holds too many images at once",
        f"NEW.event IN ('lease', 'recall') AND {_HELD} >= {MOST_LEASES}",
    ),
    ("this annotator's work has been ended", f"NEW.event IN ('lease', 'recall') AND EXISTS {_ENDED}"),
    (
        "a lease lasts a day at most",
        f"NEW.event IN {HOLDING} AND (({{ttl}}) <= {MOST_TTL_US}) IS NOT TRUE",
    ),
    ("this lease has not run out", f"NEW.event = 'expire' AND ({_ENDS} < ({{clock}})) IS NOT TRUE"),
)
"""(what is wrong, the condition under which it is) of a new row of `events`."""

TOLD = f"""EXISTS (SELECT 1 FROM {{s}}events e
    WHERE e.entry = (SELECT c.value FROM {{s}}counter c WHERE c.name = 'entry')
    AND e.assignment = NEW.assignment AND e.task = NEW.task AND e.annotator = NEW.annotator AND e.state = NEW.state
    AND (e.event NOT IN {HOLDING} OR e.entry = NEW.token))"""
"""The ledger's last entry tells this new state of `assignments`."""

HEARTBEAT = f"""(OLD.assignment = NEW.assignment AND OLD.task = NEW.task AND OLD.annotator = NEW.annotator
    AND OLD.state = 'leased' AND NEW.state = 'leased' AND OLD.token = NEW.token AND OLD.comment = NEW.comment
    AND NEW.expires <= ({{clock}}) + {MOST_TTL_US})"""
"""Only the lease's end changes, and not beyond a day from now."""

UNTOLD = "no event tells this change of somebody's work"
SAME_TASK = """OLD.task = NEW.task AND OLD.scene_id = NEW.scene_id AND OLD.level = NEW.level
    AND OLD.purpose = NEW.purpose AND OLD.created = NEW.created"""
OTHER_TASK = "a task stays with its image"
FREE = f"""NEW.slots - (SELECT count(*) FROM {{s}}assignments a
    WHERE a.task = NEW.task AND a.state IN {OCCUPYING})"""

ENTITLED = """(NEW.token IS NULL AND NOT EXISTS (
        SELECT 1 FROM {s}assignments a JOIN {s}tasks t ON t.task = a.task
        WHERE t.scene_id = NEW.scene_id AND t.level = NEW.level AND t.purpose = NEW.lane
        AND a.annotator = NEW.annotator))
    OR (NEW.token IS NOT NULL AND EXISTS (
        SELECT 1 FROM {s}assignments a JOIN {s}tasks t ON t.task = a.task
        WHERE t.scene_id = NEW.scene_id AND t.level = NEW.level AND t.purpose = NEW.lane
        AND a.annotator = NEW.annotator AND a.state = 'leased' AND a.token = NEW.token))"""
"""A stroke needs the token of the lease in force; without a token, its author must not have this work at all."""

NOT_ENTITLED = "the lease under which this was drawn is not in force"

_BOX = """NEW.top >= 0 AND NEW."left" >= 0 AND NEW.height >= 1 AND NEW.width >= 1
    AND NEW.top + NEW.height <= NEW.image_height AND NEW."left" + NEW.width <= NEW.image_width
    AND NEW.pixels BETWEEN 1 AND NEW.height * NEW.width"""
INSIDE = f"""(CASE WHEN NEW.kind IN ('undo', 'clear') THEN
        NEW.top IS NULL AND NEW."left" IS NULL AND NEW.height IS NULL AND NEW.width IS NULL AND NEW.pixels = 0
    ELSE {_BOX} END)"""
_STROKE = (
    """NEW.lane IN ('expert', 'repeat', 'adjudication') AND (NEW.kind = 'undo') = (NEW.undoes IS NOT NULL)"""
)
SOUND = {
    "corrections": f"""({_STROKE} AND NEW.level <> 'reference'
        AND NEW.kind IN ('brush', 'fill', 'superpixel', 'range', 'adopt', 'clear', 'undo')
        AND (NEW.mask IS NULL) = (NEW.top IS NULL)
        AND (NEW.old_codes IS NULL) = (NEW.top IS NULL) AND (NEW.new_codes IS NULL) = (NEW.top IS NULL))""",
    "zone_edits": f"""({_STROKE} AND NEW.level = 'reference' AND NEW.kind IN ('zone', 'clear', 'undo')
        AND (NEW.weights IS NULL) = (NEW.top IS NULL)
        AND (NEW.top IS NULL OR (NEW.old_zone IS NOT NULL AND NEW.new_zone BETWEEN 0 AND 2560)))""",
}
OUTSIDE = "the stroke lies outside its image"
UNSOUND = "this is no stroke: its kind, its pixels or its zones do not fit"

KEYS = {"corrections": "stroke_id", "zone_edits": "stroke_id", "events": "event_id"}
"""Each journal's unique column besides its entry."""

GOLD_IMAGES = """
    SELECT t.scene_id, t.level, a.annotator, (
        SELECT e.details FROM {s}events e WHERE e.scene_id = t.scene_id AND e.level = t.level
            AND e.assignment = a.assignment AND e.event = 'submit' ORDER BY e.seq DESC LIMIT 1) AS details
    FROM {s}assignments own
    JOIN {s}tasks mine ON mine.task = own.task AND mine.purpose = 'expert'
    JOIN {s}tasks t ON t.scene_id = mine.scene_id AND t.level = mine.level AND t.purpose = 'adjudication'
    JOIN {s}assignments a ON a.task = t.task AND a.state = 'accepted'
    WHERE own.annotator = {who} AND own.state = 'accepted'
    ORDER BY own.token DESC, a.annotator"""
"""The images, latest first, that `who` mapped and an adjudicator too, both accepted; with the adjudicator's name and
the details of their submission."""
