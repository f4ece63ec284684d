/** Integer milliseconds that only rise. Two clocks may only be compared when the same source made them. */
export interface Clock {
	now(): number;
}

/**
 * This machine's monotonic clock, the same in every process of it: setting the wall clock does not move it, and it stands
 * still while the machine sleeps, so that a lease is not lost over a closed lid.
 */
export const machineClock: Clock = {
	now() {
		const [seconds, nanoseconds] = process.hrtime();
		return seconds * 1000 + Math.floor(nanoseconds / 1e6);
	},
};
