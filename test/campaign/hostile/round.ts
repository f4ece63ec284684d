import { spawn } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { installHooks } from "../../helpers/hooks.ts";
import { type Sandbox, udoScript } from "../../helpers/sandbox.ts";
import type { Heard } from "./heard.ts";
import { canary, type HostileNames } from "./names.ts";

/** One repository in which every name goes through every hook and command. */
export class Round {
	readonly #sandbox: Sandbox;
	readonly #names: HostileNames;
	readonly #heard: Heard;
	/** A bare remote, a linked working tree and another project, each in a directory with a hostile name. */
	readonly #bare: string;
	readonly #tree: string;
	readonly #other: string;

	constructor(sandbox: Sandbox, names: HostileNames, heard: Heard) {
		this.#sandbox = sandbox;
		this.#names = names;
		this.#heard = heard;
		const [name = ""] = names.directories;
		this.#bare = join(sandbox.directory, "bare", name);
		this.#tree = join(sandbox.directory, "tree", name);
		this.#other = join(sandbox.directory, "other", name);
	}

	async prepare(): Promise<void> {
		const { remotes, actors } = this.#names;
		const git = (...args: readonly string[]) => this.#sandbox.git(...args);
		await git("config", "--global", "user.email", actors[1] ?? "");
		await mkdir(dirname(this.#other), { recursive: true });
		await git("init", "-q", "--bare", this.#bare);
		await git("init", "-q", this.#other);
		await git("worktree", "add", "-q", "-b", "side", this.#tree);
		await installHooks(this.#sandbox);
		await this.udo("alice", ["init", "--yes", "--guard-tree"]);
		await writeFile(join(this.#bare, "hooks", "pre-receive"), "#!/bin/sh\nexec udo verify --stdin\n", { mode: 0o755 });
		for (const remote of remotes) {
			await git("config", "--", `remote.${remote}.url`, this.#bare);
			await git("config", "--", `remote.${remote}.fetch`, `+refs/heads/*:refs/remotes/${remote}/*`);
		}
	}

	/** Locks, and commits that they are in the way of. */
	async files(): Promise<void> {
		const { paths } = this.#names;
		const repository = Buffer.from(`${this.#sandbox.repository}/`);
		for (const path of paths) {
			const absolute = Buffer.concat([repository, path]);
			await mkdir(absolute.subarray(0, absolute.lastIndexOf("/")), { recursive: true });
			await writeFile(absolute, "hostile\n");
		}
		await this.#git("alice", ["add", "--ignore-errors", "-A"]);
		const list = join(this.#sandbox.directory, "list");
		await writeFile(list, Buffer.concat(paths.flatMap((path) => [path, Buffer.from("\0")])));
		const each = (as: string, ...args: readonly string[]) =>
			this.#run(as, "xargs", ["-0", "-a", list, "udo", ...args], { isJson: args.includes("--json") });
		const keys = paths.map((path) => `file:${path.toString().normalize("NFC")}`);

		const locked = await each("bob", "lock", "--json", "--new", "--");
		this.#heard.same("locked", resourcesIn(locked.stdout), keys);
		for (const json of [[], ["--json"]]) await each("alice", "lock", "--new", ...json, "--");
		await this.#git("alice", ["commit", "-qm", "refused"]);
		await this.#git("alice", ["commit", "-qm", "refused", "-a"]);
		await this.udo("alice", ["run", "--new", `./${paths[0]}`, "--", "true"]);
		await each("bob", "run", "--new", "./README.md", "--", "true");
		await this.udo("alice", ["run", "README.md", "--", this.#names.actors[0] ?? ""]);
		await this.udo("alice", ["status", "--json"]);
		const given = await each("bob", "unlock", "--json", "--");
		this.#heard.same("unlocked", resourcesIn(given.stdout), keys);

		await each("alice", "lock", "--new", "--");
		for (const path of paths) await writeFile(Buffer.concat([repository, path]), "mine\n");
		const mine = await this.#run("alice", "udo", ["commit", "--mine", "-qm", "mine"], { isGit: true });
		if (mine.code !== 0) this.#heard.wrong.push(`commit --mine: ${mine.stderr}`);
		await each("alice", "unlock", "--");
		await this.udo("alice", ["commit", "--mine", this.#names.actors[0] ?? ""]);
		await this.#git("alice", ["commit", "-qam", "rest"]);
		const [path = Buffer.alloc(0)] = paths;
		await this.udo("alice", ["merge", "-o", "merged.txt", "--", `./${path}`, `./${path}`, `./${path}`]);
		await this.udo("alice", ["merge", "--json", "--", path.toString(), "README.md", "src/a.ts"]);
	}

	/** Branches that are locked, and what git does to them. */
	async branches(): Promise<void> {
		const { branches } = this.#names;
		const [branch = ""] = branches;
		for (const each of branches) await this.#sandbox.git("update-ref", `refs/heads/${each}`, "HEAD");
		await this.#sandbox.git("symbolic-ref", "HEAD", `refs/heads/${branch}`);
		// No branch, says git branch, whatever git update-ref makes of it; too long; or the full name of another one.
		const lockable = branches.filter((each) => !/^(-|refs\/heads\/)/.test(each) && each.length <= 250);
		for (const each of branches) if (!lockable.includes(each)) await this.udo("bob", ["lock", `--branch=${each}`]);
		const words = ["side", ...lockable].map((each) => `--branch=${each}`);
		const locked = await this.udo("bob", ["lock", "--json", ...words], this.#tree);
		this.#heard.same("locked", resourcesIn(locked.stdout), ["git:side", ...lockable.map((each) => `git:${each}`)]);
		await this.udo("alice", ["lock", ...words]);
		await writeFile(join(this.#sandbox.repository, "README.md"), "changed\n");
		await this.#git("alice", ["commit", "-qam", "refused"]);
		await this.#git("alice", ["commit", "-qam", "refused", "--no-verify"]);
		await this.#git("alice", ["stash", "push", "-q"]);
		await this.#git("alice", ["rebase", "-q", "HEAD~"]);
		await this.#git("alice", [
			"push",
			"-q",
			"--",
			this.#names.remotes[0] ?? "",
			`refs/heads/${branch}:refs/heads/${branch}`,
		]);
		await this.udo("alice", ["verify", "HEAD~..HEAD", `--branch=${branch}`, `--actor=${this.#names.actors[0]}`]);
		await this.udo("alice", ["verify", "--json", `--branch=${branch}`, "--", `${branch}~..${branch}`]);
		await this.udo("bob", ["unlock", "--json", ...words], this.#tree);
		await this.#git("alice", ["commit", "-qam", "passes"]);
		await this.#git("alice", ["checkout", "-q", `refs/heads/${branches[1]}`, "--"]);
		await this.#sandbox.git("symbolic-ref", "HEAD", `refs/heads/${branch}`);
		await this.#git("alice", ["reset", "-q", "--hard"]);
		await this.#git("alice", ["switch", "-q", "side"]);
		await this.#git("alice", ["switch", "-q", branches[2] ?? ""]);
		await this.#git("alice", ["switch", "-q", branch]);
		await this.#sandbox.git("symbolic-ref", "HEAD", `refs/heads/${branch}`);
	}

	async pushes(): Promise<void> {
		const { remotes, branches } = this.#names;
		const [remote = "", second = ""] = remotes;
		const [branch = "", to = "", third = ""] = branches;
		await this.#git("alice", [
			"push",
			"-q",
			"--",
			remote,
			...branches.map((each) => `refs/heads/${each}:refs/heads/${each}`),
		]);
		await this.#sandbox.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "more");
		await this.udo("alice", ["push", "--dry-run", "--", remote, branch]);
		await this.udo("alice", ["push", "--json", "--", remote, branch]);
		await this.udo("alice", ["push", `--to=${to}`, "--", second, branch]);
		await this.udo("alice", ["push", `--to=${third}`, "--", this.#bare, branch]);
		await this.udo("alice", ["push", "--", branch, remote]);
		await this.udo("alice", ["push", "--json", "--", "ext::sh -c touch% canary", branch]);
		const there = (
			await this.#sandbox.git("--git-dir", this.#bare, "for-each-ref", "--format=%(refname)", "refs/heads")
		)
			.split("\n")
			.filter(Boolean);
		const wanted = new Set(branches.map((each) => `refs/heads/${each}`));
		for (const each of there) if (!wanted.has(each)) this.#heard.wrong.push(`pushed to ${JSON.stringify(each)}`);
		this.#heard.landed += there.length;
		await this.#conflict(remote, branch);
		// Somebody else's claim, seen from the remote and from another branch.
		await this.udo("bob", ["lock", "README.md", `--branch=${to}`], this.#tree);
		await writeFile(join(this.#sandbox.repository, "README.md"), "more\n");
		await this.#git("alice", ["commit", "-qam", "warned"]);
		await this.#git("alice", ["push", "-q", "--no-verify", "--", remote, `HEAD:refs/heads/${to}`]);
		await this.#git("alice", ["push", "-q", "--", remote, `HEAD:refs/heads/${to}`]);
		await this.udo("bob", ["unlock", "--all"], this.#tree);
	}

	// What somebody else pushed past the queue does not fit.
	async #conflict(remote: string, branch: string): Promise<void> {
		const path = this.#names.paths[0]?.toString() ?? "";
		const git = (directory: string, ...args: readonly string[]) =>
			this.#sandbox.run("git", args, { directory, environment: { UDO: "0" } });
		const sides: readonly (readonly [string, string])[] = [
			[this.#tree, `HEAD:refs/heads/${branch}`],
			[this.#sandbox.repository, ""],
		];
		await git(this.#tree, "checkout", "-q", "-f", "--detach", `refs/heads/${branch}`);
		for (const [directory, to] of sides) {
			await writeFile(join(directory, path), `${directory}\n`);
			await git(directory, "commit", "-q", "--no-verify", "-am", "conflict");
			if (to !== "") await git(directory, "push", "-q", "--no-verify", "--force", "--", this.#bare, to);
		}
		const answer = await this.udo("alice", ["push", "--", remote, branch]);
		this.#heard.conflicts += answer.code === 5 ? 1 : 0;
		await this.udo("alice", ["status"]);
		await this.#git("alice", ["reset", "-q", "--hard", "HEAD~"]);
	}

	/** What git destroys and udo brings back. */
	async snapshots(): Promise<void> {
		const [path = Buffer.alloc(0)] = this.#names.paths;
		const directory = this.#sandbox.repository;
		await writeFile(Buffer.concat([Buffer.from(`${directory}/`), path]), "not committed\n");
		await writeFile(join(directory, `${path.toString().replaceAll("/", "_")} new`.slice(-100)), "new\n");
		await this.#git("alice", ["reset", "-q", "--hard"]);
		await this.#git("alice", ["clean", "-qfd"]);
		await this.udo("alice", ["restore"]);
		await this.udo("alice", ["restore", "--json"]);
		await this.udo("alice", ["restore", "1", "--", path.toString()]);
		await this.udo("alice", ["restore", "1", "--staged", "--json"]);
		await this.udo("alice", ["restore", "--", this.#names.sessions[0] ?? ""]);
	}

	/** What only shows, and what is typed wrongly. */
	async views(): Promise<void> {
		const { actors, sessions, paths, branches } = this.#names;
		const [session = "", actor = ""] = [sessions[0], actors[0]];
		await this.udo("alice", ["lock", `--database=${actor}`, "--steal", `--reason=${session}`]);
		await this.udo("bob", ["lock", `--database=${actor}`]);
		for (const json of [[], ["--json"]]) {
			await this.udo("bob", ["status", ...json]);
			await this.udo("bob", ["log", "-n", "1000", ...json]);
			await this.udo("alice", ["doctor", ...json]);
			await this.udo("alice", ["config", ...json]);
		}
		await this.udo("alice", ["log", `--actor=${actor}`, `--path=${paths[0]}`, `--session=${session}`]);
		await this.udo("alice", ["log", `--type=${session}`]);
		await this.udo("alice", ["log", `--number=${actor}`, `--since=${session}`]);
		await this.udo("alice", ["lock", "--json", "--", `../${session}`, branches[0] ?? ""]);
		await this.udo("alice", ["lock", `--${actor}`]);
		await this.udo("alice", [session]);
		await this.udo("alice", ["push", `--wait=${actor}`]);
		await this.udo("alice", ["verify", `--by=${session}`, "--", `${session}..${actor}`]);
		await this.udo("alice", ["switch", "--", this.#other]);
		await this.udo("alice", ["switch", "--json", "--", this.#sandbox.repository], this.#other);
		await this.udo("alice", ["init", "--remove", "--yes"]);
		await this.#run(session, process.execPath, [join("dist", "udo.js")], {});
		await this.udo(session, ["status"]);
		await this.udo(session, ["status", "--json"]);
	}

	/** What udo says to type next is typed, where nothing but a shell would do harm. */
	async followAdvice(): Promise<void> {
		const [directory, bin] = [join(this.#sandbox.directory, "advice"), join(this.#sandbox.directory, "stubs")];
		for (const each of [directory, bin]) await mkdir(each);
		// One argument a field, one command a line; names with a line break are never shown as they are.
		const stub = "#!/bin/sh\nprintf '%s\\t' \"$@\"\necho\n";
		for (const name of ["udo", "git", "mv", "rm"]) await writeFile(join(bin, name), stub, { mode: 0o755 });
		const environment = { PATH: `${bin}:${process.env["PATH"]}` };
		const { remotes, branches, sessions } = this.#names;
		const names = new Set([...remotes, ...branches, ...sessions, ...this.#names.paths.map(String)]);
		for (const advice of this.#heard.advice) {
			const { stdout } = await this.#sandbox.run("sh", ["-c", advice], { directory, environment });
			for (const line of stdout.split("\n")) {
				const words = line.split("\t");
				const options = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
				// What follows --branch is never taken for an option.
				const taken = options.find(
					(word, i) => /^-./.test(word) && names.has(word) && !/^--\w+$/.test(options[i - 1] ?? ""),
				);
				if (taken !== undefined) this.#heard.wrong.push(`advice with an option in it: ${JSON.stringify(advice)}`);
			}
			for (const name of await readdir(directory)) {
				if (canary.test(name)) this.#heard.wrong.push(`dangerous advice: ${JSON.stringify(advice)}`);
				await rm(join(directory, name), { recursive: true });
			}
		}
	}

	watch(words: readonly string[]): { end(): Promise<{ code: number; stdout: string; stderr: string }> } {
		const { environment, repository } = this.#sandbox;
		const child = spawn(process.execPath, [udoScript, "watch", ...words], {
			cwd: repository,
			env: { ...environment, UDO_SESSION: "watcher" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let stdout = "";
		let stderr = "";
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			stderr += text;
		});
		const gone = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
		return {
			async end() {
				child.kill("SIGINT");
				return { code: await gone, stdout, stderr };
			},
		};
	}

	udo(as: string, args: readonly string[], directory?: string) {
		const isJson = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");
		return this.#run(as, "udo", args, { isJson, directory });
	}

	#git(as: string, args: readonly string[], directory?: string) {
		return this.#run(as, "git", args, { directory, isGit: true });
	}

	async #run(
		as: string,
		command: string,
		args: readonly string[],
		{
			directory,
			...kind
		}: { readonly directory?: string | undefined; readonly isJson?: boolean; readonly isGit?: boolean },
	) {
		const [actor = ""] = this.#names.actors;
		// Alice says who she is, bob is known by his e-mail address.
		const author = { GIT_AUTHOR_NAME: `n ${actor}`, GIT_AUTHOR_EMAIL: `e ${actor}` };
		const environment = { UDO_SESSION: as, ...author, ...(as === "alice" && { UDO_ACTOR: actor }) };
		const answer = await this.#sandbox.run(command, args, {
			environment,
			...(directory !== undefined && { directory }),
		});
		this.#heard.hear([command, ...args].join(" "), answer, kind);
		return answer;
	}
}

function resourcesIn(stdout: string): readonly string[] {
	return (JSON.parse(stdout) as { data?: { resources?: string[] } }).data?.resources ?? [];
}
