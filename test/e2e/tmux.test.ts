import { describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";
import { hasTmux, Screen } from "../helpers/screen.ts";
import { until } from "../helpers/until.ts";

describe.skipIf(!hasTmux)("two terminals on a screen", () => {
	test("one locks, the other sees it, stands in line with its place shown, and gets it", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await screen.open("alice");
		await screen.open("bob");
		await screen.type("alice", "udo lock src/");
		await until(
			() => screen.read("alice"),
			(text) => /locked src\/ for 5 min/.test(text),
		);

		await screen.type("bob", "udo status");
		await until(
			() => screen.read("bob"),
			(text) => /src\/ +alice +term_\w+ +locked +for .* left/.test(text),
		);
		await screen.type("bob", "clear; udo lock --wait src/a.ts");
		await until(
			() => screen.read("bob"),
			(text) => /waiting for src\/: next in line, held by alice/.test(text),
		);
		await screen.type("alice", "udo unlock src/");
		expect(
			await until(
				() => screen.read("bob"),
				(text) => /locked src\/a.ts/.test(text),
			),
		).not.toContain("waiting");
	});

	test("Ctrl-C leaves the queue", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await screen.open("alice");
		await screen.open("bob");
		await screen.type("alice", "udo lock src/");
		await until(
			() => screen.read("alice"),
			(text) => /locked/.test(text),
		);
		await screen.type("bob", "udo lock --wait 60s src/; echo code=$?");
		await until(
			() => screen.read("bob"),
			(text) => /waiting for/.test(text),
		);

		await screen.press("bob", "C-c");
		await until(
			() => screen.read("bob"),
			(text) => /code=130/.test(text),
		);
		expect((await sandbox.data<{ waiters: unknown[] }>(["status"], { as: "eve" })).waiters).toEqual([]);
	});

	test("closing a terminal frees what it held", async () => {
		await using sandbox = await Sandbox.create();
		await using screen = new Screen(sandbox);
		await screen.open("alice");
		await screen.type("alice", "udo lock src/ --branch main");
		await until(
			() => screen.read("alice"),
			(text) => /locked/.test(text),
		);

		await screen.type("alice", "exit");
		await until(
			() => sandbox.data<{ locks: unknown[] }>(["status"], { as: "eve" }),
			({ locks }) => locks.length === 0,
		);
	});
});
