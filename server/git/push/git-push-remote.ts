import { createHash } from "node:crypto";
import { join } from "node:path";
import { thisHost } from "../../coordination/process.ts";
import type { Prepared, Pushed, PushRemote, Reached } from "../../coordination/push/leader.ts";
import type { PushLanded, PushOutcome, PushTicket } from "../../coordination/push/ticket.ts";
import type { GitAnswer, Plumbing } from "../plumbing.ts";
import { readRef, shortRef } from "../ref.ts";
import type { Destination } from "../remote.ts";
import type { Repository } from "../repository.ts";
import { CommitReader } from "./commit-reader.ts";
import { ObjectReader } from "./objects.ts";
import { abandonedRefs, newParkedRef } from "./parked-ref.ts";
import { Quarantine } from "./quarantine.ts";
import { fetchCommand } from "./receive.ts";
import { type ReplayEntry, type Replayed, replay } from "./replay.ts";
import { isUnreachable, withPatience } from "./transient.ts";

// A line of a batch that conflicts is shown with the texts of its first file.
const mostText = 1_000_000;

/** The texts of the first file of a conflict. */
export interface ConflictTexts {
	readonly base?: Buffer;
	readonly ours?: Buffer;
	readonly theirs?: Buffer;
}

/** A remote's ref as git reaches it from this clone. */
export class GitPushRemote implements PushRemote {
	readonly #git: Plumbing;
	readonly #repository: Repository;
	readonly #to: Destination;
	readonly #environment: Readonly<Record<string, string>>;
	readonly #isDry: boolean;
	/** Keeps what was fetched from being swept up, and tells what it is. */
	readonly #fetchedRef: string;
	readonly #texts = new Map<string, ConflictTexts>();
	#base: string | undefined;

	/** `environment` is what the hooks of the push are told. */
	constructor(
		git: Plumbing,
		repository: Repository,
		to: Destination,
		options: { readonly environment: Readonly<Record<string, string>>; readonly isDry: boolean },
	) {
		this.#git = git;
		this.#repository = repository;
		this.#to = to;
		this.#environment = options.environment;
		this.#isDry = options.isDry;
		const id = createHash("sha256").update(`${to.address}\n${to.ref}`).digest("hex").slice(0, 12);
		this.#fetchedRef = `refs/udo/fetched/${id}`;
	}

	async fetch(): Promise<Reached<string | undefined>> {
		const answer = await withPatience(() =>
			this.#git.run([...fetchCommand, "--", this.#to.source, `+${this.#to.ref}:${this.#fetchedRef}`]),
		);
		if (answer.code === 0) {
			this.#base = await readRef(this.#git, this.#repository, this.#fetchedRef);
			return { ok: true, value: this.#base };
		}
		if (!/couldn't find remote ref/.test(answer.stderr)) return { ok: false, words: wordsOf(answer) };
		this.#base = undefined;
		return { ok: true, value: undefined };
	}

	async park(tip: string): Promise<string | undefined> {
		const ref = newParkedRef(Date.now());
		const args = ["push", "-q", "--no-verify", "--no-follow-tags", "--", this.#to.via, `${tip}:${ref}`];
		return (await this.#git.run(args)).code === 0 ? ref : undefined;
	}

	async unpark(refs: readonly string[]): Promise<void> {
		if (refs.length === 0) return;
		const gone = refs.map((ref) => `:${ref}`);
		await this.#git.run(["push", "-q", "--no-verify", "--no-follow-tags", "--", this.#to.via, ...gone]);
	}

	async unparkAbandoned(): Promise<void> {
		const { code, stdout } = await this.#git.run([
			"ls-remote",
			"-q",
			"--refs",
			"--",
			this.#to.source,
			"refs/udo/queue/*",
		]);
		if (code === 0) await this.unpark(abandonedRefs(stdout.toString(), Date.now()));
	}

	async fetchParked(refs: readonly string[]): Promise<boolean> {
		const args = [...fetchCommand, "--", this.#to.source, ...refs];
		return (await withPatience(() => this.#git.run(args))).code === 0;
	}

	async contains(commit: string): Promise<boolean> {
		if (this.#base === undefined) return false;
		return (await this.#git.run(["merge-base", "--is-ancestor", commit, this.#base])).code === 0;
	}

	async prepare(tickets: readonly PushTicket[]): Promise<Prepared> {
		const parent = join(this.#repository.commonDirectory, "udo");
		const objects = join(this.#repository.commonDirectory, "objects");
		const others = tickets.filter(({ host }) => host === thisHost()).map((ticket) => ticket.objects);
		await using quarantine = await Quarantine.open(parent, objects, others);
		using reader = new ObjectReader(this.#git, quarantine.environment);
		const place = { git: this.#git, quarantine, reader, commits: new CommitReader(reader) };
		const known = this.#base === undefined ? await this.#otherBranches() : [];
		const { tip, results } = await replay(place, this.#base, tickets.map(entryOf), known);
		for (const [index, result] of results.entries()) {
			const ticket = tickets[index];
			if (ticket !== undefined && result.kind === "conflict") {
				this.#texts.set(ticket.request, await textsOf(reader, result));
			}
		}
		const isNew = tip !== undefined && tip !== this.#base;
		let pack: Pack | undefined;
		if (isNew && !this.#isDry && !(tickets.length === 1 && tickets[0]?.tip === tip)) {
			const since = await this.#sharedBase(tickets);
			const name = await quarantine.keep(this.#git, tip, since === undefined ? known : [since]);
			if (since !== undefined) pack = { name, since };
		}
		const landed = { after: tip, batch: results.filter(({ kind }) => kind === "placed").length, pack };
		return { tip, outcomes: results.map((result) => this.#outcomeOf(result, landed)) };
	}

	/** What all of them have seen of the ref: then one pack is enough for each. */
	async #sharedBase(tickets: readonly PushTicket[]): Promise<string | undefined> {
		const known = tickets.flatMap((ticket) => (ticket.known === this.#base ? [] : (ticket.known ?? [])));
		if (this.#base === undefined || tickets.length === 1 || known.length === 0) return this.#base;
		const { code, stdout } = await this.#git.run(["merge-base", "--octopus", this.#base, ...new Set(known)]);
		return code === 0 ? stdout.toString().trim() : this.#base;
	}

	/** What the remote had elsewhere when it was last seen: a new branch is not made of all history. */
	async #otherBranches(): Promise<readonly string[]> {
		const tracked = trackedPrefix(this.#to);
		if (tracked === undefined) return [];
		const text = await this.#git.read([
			"for-each-ref",
			"--format=%(objectname)",
			"--count=1000",
			"--sort=-committerdate",
			tracked,
		]);
		return [...new Set(text.split("\n").filter(Boolean))];
	}

	/** The texts of a conflict that `prepare` found. */
	textsOf(ticket: PushTicket): ConflictTexts {
		return this.#texts.get(ticket.request) ?? {};
	}

	async push(tip: string, parked: readonly string[]): Promise<Pushed> {
		const { via, ref } = this.#to;
		const lease = `--force-with-lease=${ref}:${this.#base ?? ""}`;
		const args = ["push", "--porcelain", "--no-follow-tags", lease, "--", via, `${tip}:${ref}`];
		const gone = parked.map((each) => `:${each}`);
		const answer = await withPatience(() => this.#git.run([...args, ...gone], { environment: this.#environment }));
		if (answer.code === 0) return { kind: "landed" };
		const its = answer.stdout
			.toString()
			.split("\n")
			.find((line) => line.split("\t")[1]?.endsWith(`:${ref}`));
		// What was parked may have gone before: that is no failure.
		if (its !== undefined && !its.startsWith("!")) return { kind: "landed" };
		const reason = its?.split("\t")[2] ?? "";
		if (moved.test(reason)) return { kind: "moved" };
		const words = wordsOf(answer);
		// Without a word on the ref itself, and without a hook here that said no, nobody knows what the remote did.
		const isUnknown =
			reason === "" && (isUnreachable(answer.stderr) || !/failed to push some refs/.test(answer.stderr));
		if (isUnknown) return { kind: "unreachable", words: words || "git push was ended" };
		const isFromHere = reason === "" && !/^remote:/m.test(answer.stderr);
		return { kind: "refused", words: isFromHere ? `by the pre-push hook here: ${words || "it said nothing"}` : words };
	}

	#outcomeOf(result: Replayed, { after, batch, pack }: Landed): PushOutcome {
		switch (result.kind) {
			case "placed":
				return {
					kind: "landed",
					tip: result.tip,
					before: this.#base,
					after: after ?? result.tip,
					commits: result.commits,
					batch,
					from: { host: thisHost(), gitDirectory: this.#repository.commonDirectory, ...(pack && { pack }) },
				};
			case "nothing":
				return { kind: "nothing", tip: this.#base };
			case "conflict":
				return {
					kind: "conflict",
					commit: result.commit,
					paths: result.paths.map(({ path }) => path),
					onto: this.#base ?? "",
				};
			default:
				return result;
		}
	}
}

/** Under which refs this clone remembers the remote's branches, when it keeps them as they are. */
function trackedPrefix({ tracking, ref }: Destination): string | undefined {
	const name = shortRef(ref);
	return tracking?.endsWith(`/${name}`) ? tracking.slice(0, -name.length) : undefined;
}

type Pack = NonNullable<PushLanded["from"]["pack"]>;

/** What is the same for all that land together. */
interface Landed {
	readonly after: string | undefined;
	readonly batch: number;
	readonly pack: Pack | undefined;
}

// The remote, or another push at the same moment, found the ref elsewhere.
const moved = /stale info|fetch first|non-fast-forward|reference already exists|cannot lock ref|failed to update ref/i;

function entryOf({ tip, forkedFrom, committer, mergeMessage, isSigned }: PushTicket): ReplayEntry {
	return {
		tip,
		committer,
		isSigned,
		...(forkedFrom !== undefined && { forkedFrom }),
		...(mergeMessage !== undefined && { mergeMessage }),
	};
}

/** What git, the remote or a hook said, without git's own conclusions. */
function wordsOf({ stderr, stdout }: GitAnswer): string {
	const lines = stderr.split(/[\r\n]+/).map((line) => line.replace(/^remote:/, "").trim());
	const said = lines.filter((line) => line !== "" && !/^(To |error: failed to push|hint:)/.test(line));
	const [, reason] = /^!\t[^\t]*\t(.*)$/m.exec(stdout.toString()) ?? [];
	return [...said.slice(0, 5), ...(reason === undefined ? [] : [reason])].join("; ");
}

async function textsOf(
	reader: ObjectReader,
	{ paths: [first] }: Extract<Replayed, { kind: "conflict" }>,
): Promise<ConflictTexts> {
	const texts: { base?: Buffer; ours?: Buffer; theirs?: Buffer } = {};
	for (const side of ["base", "ours", "theirs"] as const) {
		const id = first?.[side];
		const object = id === undefined ? undefined : await reader.read(id);
		if (object?.type === "blob" && object.bytes.length <= mostText) texts[side] = object.bytes;
	}
	return texts;
}
