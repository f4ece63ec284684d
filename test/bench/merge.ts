import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// biome-ignore lint/style/noRestrictedImports: the peer that udo is measured beside.
import { diff3Merge } from "node-diff3";
import { mergeTexts, type Texts } from "../../server/merge/merge.ts";
import { randomOf } from "../helpers/random.ts";
import { median, ms, notMeasured, type Part, type Row } from "./row.ts";

interface Input {
	readonly what: string;
	readonly lines: number;
	/** The line at this place of the base. */
	readonly line: (at: number) => string;
	readonly goal?: string;
	/** How many lines bare node-diff3 can be given: beyond, it takes from ten seconds to forever. */
	readonly mostForPeer: number;
}

const distinct = { line: (at: number) => `line ${at}\n`, mostForPeer: 30_000 };
const codeLike = {
	line: (at: number) =>
		(at % 5 < 2 ? ["\n", "\t}\n", "}\n"][at % 3] : `\tcall${Math.floor(at / 5) % 400}(${at % 7});\n`) ?? "\n",
	mostForPeer: 4000,
};
const equal = { line: () => "same\n", mostForPeer: 1000 };

const inputs: readonly Input[] = [
	...[100, 1000, 10_000].map((lines) => ({ what: "distinct lines", lines, ...distinct })),
	{ what: "distinct lines", lines: 100_000, ...distinct, goal: "≤ 200 ms" },
	...[100, 1000, 3000, 10_000, 100_000].map((lines) => ({ what: "code-like lines", lines, ...codeLike })),
	...[100, 1000].map((lines) => ({ what: "equal lines", lines, ...equal })),
	{ what: "equal lines", lines: 10_000, ...equal, goal: "≤ 200 ms" },
	{ what: "distinct lines", lines: 1_000_000, ...distinct, goal: "does not crash" },
];

/** Three-way merges of which each side has edited 0.5 % of the lines, in CPU time with that of child processes. */
export async function measureMerges(): Promise<Part> {
	const rows: Row[] = [];
	for (const input of inputs) {
		const texts = textsOf(input);
		const times = input.lines > 100_000 ? 1 : input.lines > 10_000 ? 5 : 20;
		const what = (who: string) => `${input.lines.toLocaleString("en")} ${input.what}: ${who}`;
		const measure = async (who: string, merge: () => Promise<unknown>, repeat: number, goal?: string) => {
			try {
				rows.push({ what: what(who), measured: await cpuOf(merge, repeat), ...(goal !== undefined && { goal }) });
			} catch (error) {
				rows.push(notMeasured(what(who), error));
			}
		};
		await measure("udo", () => mergeTexts(texts, "merge"), times, input.goal);
		await using files = await writeTexts(texts);
		await measure("git merge-file", () => files.merge(), times);
		if (input.lines > input.mostForPeer)
			rows.push({ what: what("node-diff3"), measured: "not tried, it would take too long" });
		else await measure("node-diff3", async () => bareDiff3(texts), Math.min(times, 3));
	}
	return { title: "three-way merge, each side having edited 0.5 % of the lines (CPU, median)", rows };
}

function textsOf({ lines, line }: Input): Texts {
	const random = randomOf(lines);
	const base = Array.from({ length: lines }, (_, at) => line(at));
	const side = (name: string) => {
		const edited = [...base];
		for (let i = 0; i < Math.max(1, lines / 200); i++) {
			const at = Math.floor(random() * edited.length);
			const kind = Math.floor(random() * 3);
			if (kind === 0) edited[at] = `${name} ${i}\n`;
			else if (kind === 1) edited[at] += `${name} ${i}\n`;
			else edited[at] = "";
		}
		return Buffer.from(edited.join(""));
	};
	return { base: Buffer.from(base.join("")), ours: side("ours"), theirs: side("theirs") };
}

function bareDiff3({ base, ours, theirs }: Texts): unknown {
	const [o, b, t] = [ours, base, theirs].map((text) => text.toString().split(/(?<=\n)/)) as [
		string[],
		string[],
		string[],
	];
	return diff3Merge(o, b, t);
}

async function writeTexts(texts: Texts) {
	const directory = await mkdtemp(join(tmpdir(), "udo-bench-merge-"));
	for (const name of ["base", "ours", "theirs"] as const) await writeFile(join(directory, name), texts[name]);
	return {
		merge: () =>
			new Promise<void>((resolve, reject) => {
				const args = ["merge-file", "-p", "-q", "ours", "base", "theirs"];
				execFile("git", args, { cwd: directory, encoding: "buffer", maxBuffer: 2 ** 30 }, (error) => {
					if (error === null || (typeof error.code === "number" && error.code <= 127)) resolve();
					else reject(error);
				});
			}),
		[Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
	};
}

async function cpuOf(merge: () => Promise<unknown>, repeat: number): Promise<string> {
	const own: number[] = [];
	const children = childrenCpu();
	for (let i = 0; i < repeat; i++) {
		const before = process.cpuUsage();
		await merge();
		const { user, system } = process.cpuUsage(before);
		own.push((user + system) / 1000);
	}
	// The kernel counts those of children in steps of 10 ms, so only their mean means something.
	return ms(median(own) + (childrenCpu() - children) / repeat);
}

function childrenCpu(): number {
	try {
		const [user, system] = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ").slice(13, 15) ?? [];
		return 10 * (Number(user) + Number(system));
	} catch {
		return 0;
	}
}
