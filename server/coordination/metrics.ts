/** Counters that every process adds to and the gateway exports; Prometheus names, never labelled by path or session. */
export const counterNames = [
	"udo_locks_acquired_total",
	"udo_locks_refused_total",
	"udo_locks_released_total",
	"udo_locks_expired_total",
	"udo_locks_stolen_total",
	"udo_lock_waits_total",
	"udo_lock_waits_abandoned_total",
	"udo_sessions_opened_total",
	"udo_sessions_died_total",
	"udo_conflicts_detected_total",
	"udo_conflicts_resolved_total",
	"udo_hook_runs_total",
	"udo_hook_refusals_total",
	"udo_hook_skips_total",
	"udo_store_busy_total",
] as const;

export type CounterName = (typeof counterNames)[number];

export type Counters = Readonly<Partial<Record<CounterName, number>>>;
