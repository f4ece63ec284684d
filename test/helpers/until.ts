/** Asks again until the answer satisfies; throws with the last answer when it does not within `patienceMs`. */
export async function until<Answer>(
	ask: () => Promise<Answer> | Answer,
	satisfies: (answer: Answer) => boolean = Boolean,
	patienceMs = 20_000,
): Promise<Answer> {
	const deadline = performance.now() + patienceMs;
	for (;;) {
		const answer = await ask();
		if (satisfies(answer)) return answer;
		if (performance.now() > deadline)
			throw new Error(`never came true; the last answer was ${JSON.stringify(answer, null, 1)}`);
		await new Promise((resolve) => setTimeout(resolve, 15));
	}
}
