import type { Clock } from "../../server/coordination/clock.ts";

/** Stands still unless it is told to go on. */
export class SteppedClock implements Clock {
	#now = 1000;

	now(): number {
		return this.#now;
	}

	advance(ms: number): void {
		this.#now += ms;
	}
}
