"""A simulated call floor as a seeded discrete-event model: callers arrive, wait, give up, are answered, held, handed on.

Pure: no I/O, no clock, no sockets. Time is model seconds and moves only when asked (`step`, `advance`). Every call and every agent has
a source of chance of its own, so one seed gives one day, and a fault or a command changes only what it touches.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.sim.floor_model_callers import Callers
from appliance.sim.floor_model_plan import Plan
from appliance.sim.floor_model_staff import Staff
from appliance.sim.floor_model_state import (
    Agent,
    Answered,
    Arrived,
    By,
    Call,
    Ended,
    FloorEvent,
    Gone,
    Held,
    Joined,
    Left,
    Member,
    Outcome,
    Queue,
    Rang,
    Refused,
    RingEnded,
    Visit,
)
from appliance.sim.floor_model_timer import Timetable

_GREETING_S = 0.5
_OUTSIDE = "700"


class FloorModel:
    """A floor's day. `step` lets the next thing happen and returns what it was; commands may be given between steps."""

    def __init__(self, plan: Plan, seed: int = 1) -> None:
        self.plan, self.seed = plan, seed
        self.time = Timetable(plan.grid_s)
        self.queues = {p.name: Queue(p) for p in plan.queues}
        self.calls: dict[int, Call] = {}
        self.visits: list[Visit] = []
        self.refused: list[tuple[float, str]] = []
        self.ring_no_answers: list[tuple[float, Visit, Member, float]] = []
        self.turned_away = 0
        self.up = True
        self._out: list[FloorEvent] = []
        self._callers = Callers(plan, seed)
        self._by_weight = sorted(self.queues.values(), key=lambda q: -q.plan.weight)
        self.staff = Staff(plan, seed, self.queues, self.time, self._out.append, self.dispatch)
        self._expect_call()

    @property
    def now_s(self) -> float:
        return self.time.now_s

    @property
    def next_s(self) -> float | None:
        """Model time of the next happening; None when the floor has died out."""
        return self.time.next_s

    def step(self) -> list[FloorEvent]:
        """Let the next thing happen; what it brought about, in order (perhaps nothing)."""
        self.time.step()
        return self.take()

    def take(self) -> list[FloorEvent]:
        """What commands given since have brought about."""
        out = self._out.copy()
        self._out.clear()
        return out

    def advance(self, to_s: float) -> Iterator[tuple[float, FloorEvent]]:
        """Everything up to a model time, with its time."""
        while (due := self.time.next_s) is not None and due <= to_s:
            for event in self.step():
                yield self.now_s, event
        self.time.wait_until(to_s)

    # Arrival

    def _expect_call(self) -> None:
        in_s = self._callers.next_in_s(self.now_s)
        if in_s is None:
            if not self.plan.profile:  # a profile that has ended begins no more
                self.time.after(60.0, self._expect_call)
        else:
            self.time.after(in_s, self._arrive)

    def _arrive(self) -> None:
        call = self._callers.next_call(self.now_s)
        self._expect_call()
        self._take(call)

    def _arrive_again(self, earlier: Call) -> None:
        self._take(self._callers.again(earlier, self.now_s))

    def _take(self, call: Call) -> None:
        if not self.up:
            self.turned_away += 1
            return
        self.calls[call.number] = call
        self._out.append(Arrived(call))
        call.timer = self.time.after(_GREETING_S, self._enter, call, call.queue)

    def hold(self, call: Call) -> None:
        """The dialplan asks somebody where a call that has just arrived is to go: it joins no queue until it is sent there."""
        if call.timer is not None and not call.visits:
            call.timer.cancel()
            call.timer = None

    def send(self, call: Call, queue: str | None, priority: int) -> None:
        """A call that was held goes on, to a queue that is there, else to its own."""
        if not call.gone and call.timer is None and not call.visits:
            call.queue, call.priority = queue if queue in self.queues else call.queue, priority
            call.timer = self.time.after(0.0, self._enter, call, call.queue)

    def _enter(self, call: Call, name: str) -> None:
        queue, plan = self.queues[name], self.plan
        if len(queue.waiting) >= queue.plan.max_len:
            self.refused.append((self.now_s, name))
            self._out.append(Refused(call, queue, "FULL"))
            call.timer = self.time.after(1.0 + call.fate.random(), self._go, call, "pbx")
            return
        place = sum(other.call.priority >= call.priority for other in queue.waiting)
        visit = Visit(call, queue, self.now_s, place + 1)
        call.visits.append(visit)
        self.visits.append(visit)
        queue.waiting.insert(place, visit)
        self._out.append(Joined(visit))
        fate = call.fate
        mean_s = plan.patience_mean_s * (0.04 if fate.random() < plan.hasty_share else 1.0)
        patience_s = 0.5 + fate.gammavariate(2.5, mean_s / 2.5)
        visit.timers.append(self.time.after(patience_s, self._leave, visit, "abandoned", "caller"))
        visit.timers.append(self.time.after(queue.plan.timeout_s, self._leave, visit, "timeout", "pbx"))
        key_s = 2.0 + fate.expovariate(1 / 15.0)
        if fate.random() < plan.exit_key_share and queue.plan.exit_key:
            visit.timers.append(self.time.after(key_s, self._leave, visit, "exitkey", "caller"))
        self.dispatch()

    def _go(self, call: Call, by: By) -> None:
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None
        call.gone = True
        del self.calls[call.number]
        self._out.append(Gone(call, by))

    # Waiting and ringing

    def dispatch(self) -> None:
        """Ring free members for waiting visits: heavier queues first, callers in their order."""
        if not self.up:
            return
        for queue in self._by_weight:
            for visit in queue.waiting:
                if visit.member is None and visit.not_before_s <= self.now_s:
                    member = self.staff.pick(queue)
                    if member is None:
                        break
                    self._ring(visit, member)

    def _ring(self, visit: Visit, member: Member) -> None:
        fate, plan = visit.call.fate, self.plan
        member.agent.mode, member.agent.visit = "ringing", visit
        visit.member, visit.rung_s = member, self.now_s
        deaf = fate.random() < plan.no_answer_share
        answer_s = 0.8 + fate.expovariate(1 / plan.ring_mean_s)
        limit_s = visit.queue.plan.ring_timeout_s
        if deaf or answer_s >= limit_s:
            visit.ring_due = self.time.after(limit_s, self._no_answer, visit)
        else:
            visit.ring_due = self.time.after(answer_s, self._answer, visit)
        self._out.append(Rang(visit, member))

    def _unring(self, visit: Visit) -> Member | None:
        member, visit.member = visit.member, None
        if visit.ring_due is not None:
            visit.ring_due.cancel()
            visit.ring_due = None
        if member is not None:
            member.agent.mode, member.agent.visit = "idle", None
        return member

    def _no_answer(self, visit: Visit) -> None:
        assert visit.rung_s is not None
        ring_s = self.now_s - visit.rung_s
        member = self._unring(visit)
        assert member is not None
        self.ring_no_answers.append((self.now_s, visit, member, ring_s))
        visit.not_before_s = self.now_s + visit.queue.plan.retry_s
        visit.timers.append(self.time.after(visit.queue.plan.retry_s, self.dispatch))
        self._out.append(RingEnded(visit, member, ring_s))
        if visit.queue.plan.autopause:
            self.staff.auto_pause(member)
        self.dispatch()

    def _leave(self, visit: Visit, outcome: Outcome, by: By) -> None:
        member = self._unring(visit)
        position = visit.queue.waiting.index(visit) + 1
        visit.queue.waiting.remove(visit)
        visit.cancel_timers()
        visit.outcome, visit.ended_s, visit.ended_by = outcome, self.now_s, by
        self._out.append(Left(visit, position, by, member))
        call = visit.call
        if outcome in ("timeout", "exitkey") or (outcome == "withdrawn" and by == "command"):
            done_by: By = "pbx" if call.fate.random() < 0.7 else "caller"
            call.timer = self.time.after(1.0 + call.fate.expovariate(1 / 5.0), self._go, call, done_by)
        else:
            call.gone = True
            del self.calls[call.number]
            if outcome == "abandoned" and by == "caller" and self.plan.again_share and call.fate.random() < self.plan.again_share:
                self.time.after(1.0 + call.fate.expovariate(1 / self.plan.again_after_s), self._arrive_again, call)
        if member is not None:
            self.dispatch()

    # Talking

    def _answer(self, visit: Visit) -> None:
        member, call = visit.member, visit.call
        assert member is not None
        assert visit.rung_s is not None
        position = visit.queue.waiting.index(visit) + 1
        visit.queue.waiting.remove(visit)
        visit.cancel_timers()
        visit.ring_due = None
        visit.outcome, visit.answered_s, visit.ring_s = "talking", self.now_s, self.now_s - visit.rung_s
        member.agent.mode = "talking"
        self._out.append(Answered(visit, member, position))
        fate, plan = call.fate, self.plan
        talk_s = 1.0 + plan.talk_mean_s * min(6.0, fate.lognormvariate(-0.18, 0.6))
        by: By = "agent" if fate.random() < plan.agent_ends_share else "caller"
        to = None
        # A wrapped member's transfer is not told as one (his AgentComplete comes when the caller is done elsewhere): not played.
        if fate.random() < plan.transfer_share and len(call.visits) < 3 and not member.agent.plan.local:
            by, to = "transfer", fate.choice([*(p.extension for p in plan.queues), _OUTSIDE])
        if fate.random() < plan.hold_share:
            begins_s = talk_s * (0.2 + 0.3 * fate.random())
            visit.timers.append(self.time.after(begins_s, self._hold, visit, True))
            visit.timers.append(self.time.after(begins_s + 0.3 * talk_s, self._hold, visit, False))
        visit.timers.append(self.time.after(talk_s, self._end, visit, by, to))

    def _hold(self, visit: Visit, on: bool) -> None:
        if on:
            visit.held_since_s = self.now_s
        elif visit.held_since_s is not None:
            visit.hold_s += self.now_s - visit.held_since_s
            visit.held_since_s = None
        self._out.append(Held(visit, on))

    def _end(self, visit: Visit, by: By, to: str | None = None) -> None:
        member, call = visit.member, visit.call
        assert member is not None
        if visit.held_since_s is not None:
            visit.hold_s += self.now_s - visit.held_since_s
            visit.held_since_s = None
        visit.cancel_timers()
        visit.outcome = "blind" if by == "transfer" else "completed_agent" if by in ("agent", "pbx") else "completed_caller"
        visit.ended_s, visit.ended_by = self.now_s, by
        agent = member.agent
        agent.calls_taken += 1
        agent.last_call_s = self.now_s
        self._out.append(Ended(visit, by, to))
        if by == "transfer":
            queue = next((p.name for p in self.plan.queues if p.extension == to), None)
            if queue is not None:
                self._enter(call, queue)
            else:
                call.timer = self.time.after(2.0 + call.fate.expovariate(1 / 20.0), self._go, call, "caller")
        else:
            call.gone = True
            del self.calls[call.number]
        self.staff.rest(agent, visit.queue.plan.wrap_up_s)

    # Commands from outside

    def hang_up(self, call: Call, by: By = "command") -> None:
        """End a call wherever it stands."""
        visit = call.visit
        if visit is None:
            self._go(call, by)
        elif visit.outcome == "talking":
            self._end(visit, by)
        else:
            self._leave(visit, "withdrawn", by="pbx")

    def redirect(self, call: Call, extension: str) -> bool:
        """Send a call that waits or is with nobody elsewhere (a queue's extension or outside); False for one in conversation."""
        visit = call.visit
        if visit is not None and visit.outcome == "talking":
            return False
        if visit is not None:
            self._leave(visit, "withdrawn", by="command")
        if call.timer is not None:
            call.timer.cancel()
        queue = next((p.name for p in self.plan.queues if p.extension == extension), None)
        if queue is not None:
            self._enter(call, queue)
        else:
            call.timer = self.time.after(5.0, self._go, call, "caller")
        return True

    def stop(self, how: str) -> None:
        """The PBX stops: `restart` hangs up everybody first, `kill` just ends. Nobody gets through until `start`."""
        self.up = False
        for call in list(self.calls.values()):
            visit = call.visit
            if visit is None:
                if call.timer is not None:
                    call.timer.cancel()
                self._go(call, "pbx")
                continue
            waiting = visit.outcome == "waiting"
            visit.pbx_ended = "restart" if how == "restart" else "kill"
            if waiting:
                self._leave(visit, "abandoned" if how == "restart" else "lost", "pbx")
            else:
                self._end(visit, "pbx")
                if how == "kill":
                    visit.outcome = "killed"
        for agent in self.staff.agents.values():
            agent.calls_taken, agent.last_call_s = 0, None
            self.staff.reach(agent, False)

    def start(self, *, register_within_s: float) -> None:
        """The PBX is back and empty; phones register one after the other."""
        self.up = True
        agents: list[Agent] = list(self.staff.agents.values())
        for agent in agents:
            self.time.after(agent.fate.uniform(0.1, 1.0) * register_within_s, self.staff.register, agent)
