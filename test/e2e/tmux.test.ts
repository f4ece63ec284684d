import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Sandbox } from "../helpers/sandbox.ts";
import { until } from "../helpers/until.ts";

const hasTmux = spawnSync("tmux", ["-V"], { stdio: "ignore" }).status === 0;

/** Two real shells on two real terminals, typed into and read from as a person does. */
class Screen implements AsyncDisposable {
	readonly #sandbox: Sandbox;
	readonly #socket: string;

	constructor(sandbox: Sandbox) {
		this.#sandbox = sandbox;
		this.#socket = `udo-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
	}

	async open(name: string): Promise<void> {
		const { code, stderr } = await this.#tmux(
			"new-session",
			"-d",
			"-s",
			name,
			"-x",
			"160",
			"-y",
			"40",
			`UDO_ACTOR=${name} exec bash --norc`,
		);
		if (code !== 0) throw new Error(stderr);
	}

	async type(name: string, line: string): Promise<void> {
		await this.#tmux("send-keys", "-t", name, line, "Enter");
	}

	async press(name: string, key: string): Promise<void> {
		await this.#tmux("send-keys", "-t", name, key);
	}

	async read(name: string): Promise<string> {
		return (await this.#tmux("capture-pane", "-p", "-t", name)).stdout;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#tmux("kill-server");
	}

	#tmux(...args: string[]) {
		return this.#sandbox.run("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args], {
			environment: { TERM: "screen" },
		});
	}
}

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
