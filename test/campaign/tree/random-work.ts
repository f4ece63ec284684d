import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { randomOf } from "../../helpers/random.ts";
import { Sandbox } from "../../helpers/sandbox.ts";
import { git, isUnknownToGit, place, write } from "./tree-state.ts";

/** A guarded repository as a seed makes it, with a copy of it beside it as `template`; branches main, topic and conflict. */
export async function template(seed: number): Promise<Sandbox> {
	const random = randomOf(seed * 7919);
	const sandbox = await Sandbox.create();
	const { repository } = sandbox;
	const crlf = pick(random, ["", "input", "true"]);
	if (crlf !== "") await sandbox.git("config", "core.autocrlf", crlf);
	await sandbox.git("config", "core.safecrlf", "false");
	write(repository, ".gitattributes", "*.txt text\n*.crlf text eol=crlf\n*.bin -text\n*.up filter=upper\n");
	await sandbox.git("config", "filter.upper.clean", "tr a-z A-Z");
	await sandbox.git("config", "filter.upper.smudge", "tr A-Z a-z");
	write(repository, ".gitignore", "*.ignored\n");
	write(repository, "base/x.up", "filtered\n");
	for (const name of names) write(repository, name, text(random));
	chmodSync(join(repository, "base/run"), 0o755);
	rmSync(join(repository, "base/link"));
	symlinkSync("plain", join(repository, "base/link"));
	for (const subject of ["one", "two"]) {
		write(repository, "base/plain", `${subject}\n`);
		await sandbox.git("add", "-A");
		await sandbox.git("commit", "-qm", subject);
	}
	await sandbox.git("switch", "-qc", "topic");
	for (const name of names) if (random() < 0.2 && !name.endsWith("link")) write(repository, name, text(random));
	write(repository, "topic-only", "topic\n");
	await sandbox.git("add", "-A");
	await sandbox.git("commit", "-qm", "topic");
	await sandbox.git("switch", "-qc", "conflict", "main");
	write(repository, "base/plain", "conflict\n");
	await sandbox.git("commit", "-qam", "conflict");
	await sandbox.git("switch", "-q", "main");
	write(repository, "base/plain", "main\n");
	await sandbox.git("commit", "-qam", "main");
	const answer = await sandbox.udo(["init", "--yes", "--guard-tree"]);
	if (answer.code !== 0) throw new Error(answer.stderr);
	await sandbox.run("cp", ["-a", "repo", "template"], { directory: sandbox.directory });
	return sandbox;
}

/** Work that no commit has, of every kind that a seed comes upon. */
export function work(sandbox: Sandbox, random: () => number, seed: number): void {
	const { repository, environment } = sandbox;
	const stage = (name: string) => {
		const input = Buffer.from(`${name}\0`, "latin1");
		const env = { ...environment, UDO: "0", GIT_LITERAL_PATHSPECS: "1" };
		execFileSync("git", ["add", "-A", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"], {
			cwd: repository,
			env,
			input,
			stdio: ["pipe", "pipe", "pipe"],
		});
	};
	const fresh = [
		"new",
		"new dir/new",
		"new dir/b\u00e9d",
		"base/new.txt",
		"base/new.crlf",
		"x.bin",
		"y.up",
		"line\nnew",
		"-n",
		"out/c",
	];
	for (const name of [...names, ...fresh]) {
		const full = place(repository, name);
		const isThere = existsSync(full);
		const isFresh = fresh.includes(name);
		const dice = random();
		asFarAsPossible(() => {
			if (dice < 0.25) return;
			if (dice < 0.5 || isFresh) write(repository, name, text(random));
			else if (dice < 0.58 && isThere) rmSync(full);
			else if (dice < 0.64 && isThere) chmodSync(full, 0o755);
			else if (dice < 0.7) {
				rmSync(full, { force: true });
				symlinkSync(Buffer.from("nowh\u00e9re", "latin1"), full);
			} else if (dice < 0.75) {
				rmSync(full, { force: true });
				write(repository, `${name}/inside`, text(random));
			} else {
				write(repository, name, "staged!\n");
				stage(name);
				// As large, and within the second: only the age of the index tells.
				if (random() < 0.5) write(repository, name, "further\n");
				else if (random() < 0.3) rmSync(full);
				return;
			}
			if (random() < 0.3) stage(name);
		});
	}
	if (seed % 3 === 0 && existsSync(join(repository, "base/dir"))) {
		rmSync(join(repository, "base/dir"), { recursive: true });
		write(repository, "base/dir", "a file now\n");
	}
	if (seed % 4 === 1) {
		write(repository, "intended", "to add\n");
		asFarAsPossible(() => git(sandbox, "add", "-N", "--sparse", "intended"));
	}
	if (seed % 5 === 2 && existsSync(join(repository, "out/a"))) {
		asFarAsPossible(() => git(sandbox, "mv", "-f", "out/a", "out/moved"));
	}
	write(repository, "x.ignored", "ignored\n");
}

// The state that the repository is in may not allow for it, such as a sparse one.
function asFarAsPossible(step: () => void): void {
	try {
		step();
	} catch (error) {
		const isOfGit = /Command failed/.test(String(error)) && !isUnknownToGit(String(error));
		if (!isOfGit && !/EISDIR|ENOTDIR|ENOENT|EEXIST/.test(String(error))) throw error;
	}
}

const names = [
	...["base/plain", "base/other", "base/crlf.txt", "base/auto.crlf", "base/run", "base/link", "base/dir/deep/file"],
	...[
		"base/with space",
		"base/it's *odd*",
		"-dash",
		'quote"d',
		"line\nbreak",
		"tab\tbed",
		"b\u00e4d\u00ff",
		"\u00fcnix",
	],
	...["out/a", "out/b", ":(top)magic", "back\\slash"],
];

function text(random: () => number): string {
	const end = pick(random, ["\n", "\r\n"]);
	const lines = Array.from({ length: 1 + Math.floor(random() * 5) }, () => `${Math.floor(random() * 1e6)}`);
	const mixed = random() < 0.15 ? "mixed\nline\r\nends\r" : "";
	const binary = random() < 0.1 ? "\0\u00ff\u0080" : "";
	return `${lines.join(end)}${end}${mixed}${binary}`;
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
	return items[Math.floor(random() * items.length)] as Item;
}
