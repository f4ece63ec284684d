import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, Terminal } from "../helpers/terminal.ts";
import { openEditor } from "./editor.ts";
import { Story } from "./story.ts";

// The whole must be over long before this; it is there so that a hanging step cannot hang a CI job.
const patienceMs = 90_000;

const started = performance.now();
const story = new Story();
const scratch = await mkdtemp(join(tmpdir(), "udo demo "));
const timeout = setTimeout(() => fail(new Error("a step hung")), patienceMs);
try {
	await play();
	story.summary((performance.now() - started) / 1000);
} catch (error) {
	fail(error);
} finally {
	clearTimeout(timeout);
	await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
}

async function play(): Promise<void> {
	const udo = join(process.cwd(), "dist", "udo.js");
	const repository = join(scratch, "shop");
	const environment = await prepare(udo);
	await using setup = new Terminal("setup", scratch, environment("setup"));
	await build(setup);

	await using bob = new Terminal("bob", repository, environment("bob"));
	await using alice = new Terminal("alice", repository, environment("alice"));

	story.title("Protect a repository");
	const init = await type(alice, "udo init --yes");
	story.check(init.code === 0, "git hooks are installed");

	story.title("Alice claims a directory; Bob's editor says so");
	await type(alice, "udo lock src/");
	{
		const file = join(repository, "src", "cart.ts");
		const server = [process.execPath, udo, "lsp"] as const;
		await using editor = await openEditor({
			file,
			environment: { ...environment("bob"), PWD: repository },
			server: [...server],
			scratch,
		});
		story.shown(`${editor.name} with src/cart.ts open shows:`);
		const warning = await editor.warning;
		story.shown(`  ⚠ ${warning}`);
		story.check(/alice/.test(warning), "the language server warned in Bob's editor");
	}

	story.title("Bob changes a file there all the same; his commit is refused");
	await type(bob, "echo 'export const total = 1;' >> src/cart.ts && git add src/cart.ts");
	const refused = await type(bob, "git commit -m 'bob was here'");
	const commits = await bob.run("git rev-list --count HEAD");
	story.check(
		refused.code !== 0 && commits.stdout.trim() === "2",
		"Bob's commit was refused, and says who is in the way",
	);
	await type(bob, "git restore --staged --worktree src/cart.ts");

	story.title("Bob stands in line, and gets the lock when Alice lets go");
	story.typed("bob  ", "udo lock --wait 20s src/cart.ts");
	const waiting = bob.run("udo lock --wait 20s src/cart.ts");
	await until(alice, "udo status --json", (status) => JSON.parse(status).data.waiters.length === 1);
	await type(alice, "udo unlock src/");
	const granted = await waiting;
	story.typed("bob  ", "(his command goes on)", granted.stdout + granted.stderr);
	story.check(
		granted.code === 0 && /locked src\/cart\.ts/.test(granted.stdout),
		"Bob got the lock when it was his turn",
	);

	story.title("Alice's terminal dies with kill -9; nothing stays locked");
	await type(alice, "udo lock README.md --branch release");
	await alice.kill();
	story.typed("     ", `kill -9 ${alice.pid}`);
	const after = JSON.parse((await bob.run("udo status --json")).stdout).data;
	const left = after.locks.filter((lock: { session: string }) => lock.session !== after.session);
	story.check(left.length === 0 && after.sessions.length === 1, "nothing of the dead terminal is left");
	await type(bob, "udo unlock --all");

	await mergeAndPush(environment, repository, bob);
}

async function mergeAndPush(environment: Environment, repository: string, bob: Terminal): Promise<void> {
	const clone = join(scratch, "shop of carol");
	await using carol = new Terminal("carol", scratch, environment("carol"));

	story.title("Carol, in a clone of her own, pushes; Bob's push is behind");
	await carol.run(`git clone -q remote.git 'shop of carol' && cd 'shop of carol' && udo init --yes`);
	await type(carol, "sed -i 's/^price = 1$/price = 2/' prices.ini && git commit -qam 'carol: new price'");
	const first = await type(carol, "git push -q");
	await type(bob, "sed -i 's/^stock = 7$/stock = 9/' prices.ini && git commit -qam 'bob: new stock'");
	await bob.run("udo lock --database shop");
	const behind = await type(bob, "git push -q");
	story.check(first.code === 0 && behind.code !== 0, "Carol's push landed, Bob's was told that it is behind");

	story.title("Two edits of one file become one, by 3-way merge; both are pushed");
	await bob.run(
		"git fetch -q && git show HEAD~1:prices.ini > ../base.ini && git show origin/main:prices.ini > ../theirs.ini",
	);
	const merged = await type(bob, "udo merge ../base.ini prices.ini ../theirs.ini -o prices.ini");
	const text = await readFile(join(repository, "prices.ini"), "utf8");
	story.shown(text);
	story.check(merged.code === 0 && /price = 2/.test(text) && /stock = 9/.test(text), "both edits are in the file");
	await type(bob, "git reset -q --soft origin/main && git commit -qam 'bob: new stock' && git push -q");
	await carol.run(`cd '${clone}' && git pull -q`);
	const history = await type(carol, "git log --format='%h %s' origin/main");
	story.check(/bob: new stock\n.*carol: new price/.test(history.stdout), "both pushes are in the remote's history");
}

type Environment = (actor: string) => NodeJS.ProcessEnv;

/** A home of its own: nothing of the user's is read or written. */
async function prepare(udo: string): Promise<Environment> {
	const bin = join(scratch, "bin");
	const home = join(scratch, "home");
	await using shell = new Terminal("", scratch, process.env);
	await shell.run("mkdir bin home");
	await writeFile(join(bin, "udo"), `#!/bin/sh\nexec '${process.execPath}' '${udo}' "$@"\n`, { mode: 0o755 });
	await writeFile(
		join(home, ".gitconfig"),
		"[init]\n\tdefaultBranch = main\n[pull]\n\trebase = true\n[advice]\n\tpushUpdateRejected = false\n",
	);
	return (actor) => ({
		PATH: `${bin}:${process.env["PATH"]}`,
		HOME: home,
		XDG_STATE_HOME: join(home, "state"),
		LANG: "C.UTF-8",
		UDO_ACTOR: actor,
		GIT_AUTHOR_NAME: actor,
		GIT_AUTHOR_EMAIL: `${actor}@example.org`,
		GIT_COMMITTER_NAME: actor,
		GIT_COMMITTER_EMAIL: `${actor}@example.org`,
	});
}

async function build(setup: Terminal): Promise<void> {
	const steps = [
		"git init -q --bare remote.git",
		"git clone -q remote.git shop",
		"cd shop && mkdir src",
		"printf 'price = 1\\n\\n[shelf]\\nrow = 4\\n\\nstock = 7\\n' > prices.ini",
		"echo 'export const items = [];' > src/cart.ts && echo '# Shop' > README.md",
		"git add README.md src && git commit -qm 'the shop'",
		"git add -A && git commit -qm 'its prices'",
		"git push -q origin HEAD",
	];
	for (const step of steps) {
		const { code, stderr } = await setup.run(step);
		if (code !== 0) throw new Error(`could not build the repository: ${step}\n${stderr}`);
	}
}

async function type(terminal: Terminal, command: string): Promise<Answer> {
	const answer = await terminal.run(command);
	story.typed(terminal.name.padEnd(5), command, answer.stdout + answer.stderr);
	return answer;
}

async function until(terminal: Terminal, command: string, holds: (printed: string) => boolean): Promise<void> {
	while (!holds((await terminal.run(command)).stdout));
}

function fail(error: unknown): void {
	process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
	process.exitCode = 1;
	if (error instanceof Error && error.message === "a step hung") process.exit(1);
}
