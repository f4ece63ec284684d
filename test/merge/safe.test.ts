import { describe, expect, test } from "vitest";
import { hunkAt, hunkKey } from "../../server/merge/hunk.ts";
import { renderPieces } from "../../server/merge/markers.ts";
import { mergeTexts } from "../../server/merge/merge.ts";
import { mergeSafely, type SafeContext } from "../../server/merge/safe.ts";
import { goneNames, noLists, noVersions } from "../helpers/refused-merges.ts";

type Lines = readonly string[];

async function merge(base: Lines, ours: Lines, theirs: Lines, context: Partial<SafeContext> = {}) {
	const merged = await mergeSafely(
		{ base: bytes(base), ours: bytes(ours), theirs: bytes(theirs) },
		{ path: "src/a.ts", style: "merge", ...context },
	);
	const text = renderPieces(merged.pieces, "merge", { ours: "o", base: "b", theirs: "t" }).text.toString();
	const rules = merged.pieces.flatMap((piece) => (piece.kind === "automatic" ? [piece.rule] : []));
	return { ...merged, rules, text, lines: text.split("\n").slice(0, -1) };
}

function bytes(lines: Lines): Buffer {
	return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

describe("settled by a rule", () => {
	test("two versions: the larger one, as a number and not as a text", async () => {
		const one = (version: string) => ["{", `  "leven": "${version}"`, "}"];
		const merged = await merge(one("1.9.0"), one("1.10.0"), one("1.9.4"), { path: "package.json" });

		expect(merged).toMatchObject({ conflicts: 0, automatic: 1, rules: ["larger version"], lines: one("1.10.0") });
	});

	test("never to a version that nobody had", async () => {
		const merged = await merge(["DEF_VER=v2.34.7"], ["DEF_VER=v2.35.7"], ["DEF_VER=v2.34.8"]);

		expect(merged).toMatchObject({ conflicts: 0, rules: ["larger version"], lines: ["DEF_VER=v2.35.7"] });
	});

	test("a release is larger than its pre-releases", async () => {
		const one = (version: string) => [`version = "${version}"`];
		const merged = await merge(one("2.0.0-beta.2"), one("2.0.0-rc.1"), one("2.0.0"), { path: "pyproject.toml" });

		expect(merged).toMatchObject({ conflicts: 0, lines: one("2.0.0") });
	});

	test.each([
		["package.json", '    "execa": "^$",', "1.9.0", "1.10.0"],
		["package.json", '  "packageManager": "pnpm@$",', "9.1.0", "9.12.3"],
		["src/deps.ts", '  react: "^$",', "18.2.0", "18.3.1"],
		["src/version.ts", 'export const version = "$";', "6.0.9", "6.0.10"],
		["cmd/version.go", '\tversion string = "$"', "0.6.7", "0.7.0"],
		["pkg/__init__.py", "__version__ = '$.dev1'", "2.9.2", "2.10.0"],
		["pyproject.toml", '    "requests[socks]>=$,<3",', "2.9", "2.28"],
		["tox.ini", "    pytest==$", "7.1.0", "8.0.0"],
		["Cargo.toml", 'redis = { version = "$", features = ["tls"] }', "0.32", "1.4"],
		["Cargo.toml", 'serde = "$"', "1.0.9", "1.0.10"],
		["go.mod", "\tgithub.com/knadh/koanf/v2 v$", "2.2.2", "2.3.0"],
		["Gemfile", 'gem "rails", "~> $"', "7.1", "7.2"],
		["pom.xml", "      <version>$</version>", "5.9.0", "5.10.0"],
		["app.csproj", '    <PackageReference Include="A" Version="$" />', "8.0.1", "8.0.11"],
		["config.h", '#define APP_VERSION "$"', "1.4.0", "1.5.0"],
		[".pre-commit-config.yaml", "    rev: v$", "0.1.9", "0.1.13"],
		[".github/workflows/a.yml", '        python-version: "$"', "3.9", "3.11"],
		[".github/workflows/a.yml", "      - uses: actions/cache@v$", "3.2.4", "3.3.0"],
		["Dockerfile", "FROM --platform=linux node:$-alpine AS build", "18.2.0", "18.10.0"],
	])("the larger version in %s: %s", async (path, line, smaller, larger) => {
		const of = (version: string) => [line.replace("$", version)];
		const merged = await merge(of(smaller.replace(/\d+$/, "0").replace(/^\d+/, "0")), of(smaller), of(larger), {
			path,
		});

		expect(merged).toMatchObject({ conflicts: 0, rules: ["larger version"], lines: of(larger) });
	});

	test.each([
		["imports", "a.ts", ["import {", "\tant,", "\tbat,", "\tcat,", "\tdog,", '} from "x";'], 5, "\teel,", "\tfox,"],
		[
			"imports of Python",
			"a.py",
			["from x import (", "    ant,", "    bat,", "    cat,", "    dog,", ")"],
			2,
			"    bab,",
			"    asp,",
		],
		["settings", "a.yml", ["ant: 1", "bat: 2", "cat: 3", "dog: 4"], 4, "eel: 5", "fox: 6"],
		[
			"dependencies of one version",
			"package.json",
			['"a": "^1.0.0",', '"b": "^1.0.0",', '"d": "^1.0.0",', '"e": "^1.0.0",'],
			2,
			'"ca": "^1.2.0",',
			'"cb": "^1.2.0",',
		],
		[
			"properties",
			"a.js",
			["const a = {", "\tant: one,", "\tbat: two,", "\tcat: three,", "\tdog: four,", "};"],
			2,
			"\tape: six,",
			"\tasp: five,",
		],
	])("a sorted list of %s", async (_, path, base, at, our, their) => {
		const merged = await merge(base, base.toSpliced(at, 0, our), base.toSpliced(at, 0, their), { path });

		expect(merged).toMatchObject({ conflicts: 0, rules: ["sorted list"] });
		expect(merged.lines).toEqual(base.toSpliced(at, 0, ...[our, their].sort()));
	});

	test("words of a line, when a word that both kept lies between", async () => {
		const merged = await merge(["start(queue, options);"], ["restart(queue, options);"], ["start(queue, defaults);"]);

		expect(merged).toMatchObject({ conflicts: 0, rules: ["words of a line"], lines: ["restart(queue, defaults);"] });
	});

	test("lines next to each other, one changed by each side", async () => {
		const merged = await merge(
			["a = one();", "b = two();"],
			["a = three();", "b = two();"],
			["a = one();", "b = four();"],
		);

		expect(merged).toMatchObject({ conflicts: 0, rules: ["adjacent lines"], lines: ["a = three();", "b = four();"] });
	});

	test("entries that both sides added to a sorted list, and one that both added only once", async () => {
		const list = (...names: string[]) => ["[", ...names.map((name) => `  "${name}",`), "]"];
		const merged = await merge(
			list("ant", "cat", "dog", "eel"),
			list("ant", "bat", "both", "cat", "dog", "eel"),
			list("ant", "bee", "both", "cat", "dog", "eel"),
			{ path: "animals.json" },
		);

		expect(merged).toMatchObject({ conflicts: 0, rules: ["sorted list"] });
		expect(merged.lines).toEqual(list("ant", "bat", "bee", "both", "cat", "dog", "eel"));
	});

	test("is told with the rule, the text and the three texts", async () => {
		const { pieces } = await merge(["version = 1.2.3;"], ["version = 1.2.4;"], ["version = 1.3.0;"]);

		const [piece] = pieces.filter(({ kind }) => kind === "automatic");
		expect(piece).toMatchObject({
			rule: "larger version",
			text: bytes(["version = 1.3.0;"]),
			base: { text: bytes(["version = 1.2.3;"]), line: 1 },
			ours: { text: bytes(["version = 1.2.4;"]), line: 1 },
			theirs: { text: bytes(["version = 1.3.0;"]), line: 1 },
		});
	});

	test("leaves the other conflicts of the file as git shows them", async () => {
		const between = Array.from({ length: 9 }, (_, number) => `kept ${number}`);
		const merged = await merge(
			["version = 1.2.3;", ...between, "x"],
			["version = 1.2.4;", ...between, "same", "ours"],
			["version = 1.3.0;", ...between, "same", "theirs"],
		);

		expect(merged).toMatchObject({ conflicts: 1, automatic: 1 });
		expect(merged.lines.slice(10)).toEqual(["same", "<<<<<<< o", "ours", "=======", "theirs", ">>>>>>> t"]);
	});
});

describe("stays a conflict", () => {
	const stays: readonly [title: string, base: Lines, ours: Lines, theirs: Lines, path?: string][] = [
		[
			"versions of which a mix would be one that nobody had",
			["DEF_VER=v2.34.7"],
			["DEF_VER=v2.35.7 # old"],
			["DEF_VER=v2.34.8"],
		],
		["a version that one side lowered", ['"a": "1.5.0"'], ['"a": "1.4.0"'], ['"a": "1.6.0"'], "package.json"],
		["a number that is no version", ["ratio: 1.5"], ["ratio: 1.75"], ["ratio: 1.6"], "a.yml"],
		[
			"lines of a version that is spread over several",
			["MAJOR = 4", "MINOR = 1", "RELEASE = 9"],
			["MAJOR = 5", "MINOR = 0", "RELEASE = 0"],
			["MAJOR = 4", "MINOR = 2", "RELEASE = 0"],
			"a.cfg",
		],
		[
			"a comment that may belong to the other side's function",
			["function a() {}"],
			["/** Ours. */", "function ours() {}", "function a() {}"],
			["/** Theirs. */", "function theirs() {}", "function a() {}"],
		],
		[
			"a comment added to a line that the other side changed",
			["start();", "stop(1);"],
			["start(); // soon", "stop(1);"],
			["start();", "stop(2);"],
		],
		[
			"a word that both sides added to one line, in two places",
			["call(first, second, third);"],
			["call(extra, first, second, third);"],
			["call(first, second, third, extra);"],
		],
		[
			"a line deleted amid names that the other side changed everywhere",
			["one(oldName);", "two(oldName);", "three(oldName);"],
			["one(oldName);", "three(oldName);"],
			["one(newName);", "two(newName);", "three(newName);"],
		],
		[
			"an import that one side deleted and the other changed",
			['import { a } from "./a";', 'import { b } from "./b";'],
			['import { b } from "./b";'],
			['import { a, c } from "./a";', 'import { b } from "./b";'],
		],
		[
			"an import whose source both changed",
			["import { JobsOptions } from './jobs-options';"],
			["import { JobsOptions } from '../types';"],
			["import { BaseJobOptions } from './jobs-options';"],
		],
		[
			"a change within a block whose frame the other side removed",
			["if (ready) {", "\trun(first);", "}"],
			["run(first);"],
			["if (ready) {", "\trun(second);", "}"],
		],
		["a line that one side changed next to one that the other deleted", ["a();", "b();"], ["a(1);", "b();"], ["a();"]],
		["what both added at one place", ["x"], ["x", "ours();"], ["x", "theirs();"]],
		[
			"a change next to a line with which the other side opens a block",
			["run(first);", "next(second);"],
			["if (ready) { run(first);", "next(second);"],
			["run(first);", "next(third);"],
		],
		[
			"a word added where it could stand before or behind an equal one, beside the other side's change",
			["run(task);"],
			["run(task.task);"],
			["run(other.task);"],
		],
		["arguments that one side put in another order", ["f(a, b, c);"], ["g(a, b, c);"], ["f(a, c, b);"]],
		[
			"an entry added to a sorted list where the other side added one with lines of its own",
			["a: 1", "c: 1", "d: 1"],
			["a: 1", "b:", "  ba: 1", "c: 1", "d: 1"],
			["a: 1", "b2: 2", "c: 1", "d: 1"],
			"a.yml",
		],
		[
			"a list entry that both changed",
			["[", '"a": 1,', '"b": 1,', '"c": 1,', "]"],
			["[", '"a": 1,', '"b": 2,', '"c": 1,', "]"],
			["[", '"a": 1,', '"b": 3,', '"c": 1,', "]"],
			"a.json",
		],
		["prose, however simple", ["One word here."], ["One single word here."], ["One word there."], "README.md"],
	];

	test.each(stays)("%s", async (_, base, ours, theirs, path = "src/a.ts") => {
		const merged = await merge(base, ours, theirs, { path });
		const swapped = await merge(base, theirs, ours, { path });

		expect(merged).toMatchObject({ automatic: 0 });
		expect(merged.conflicts, merged.text).toBeGreaterThan(0);
		expect(swapped.conflicts, swapped.text).toBeGreaterThan(0);
	});

	const refused = [...noVersions, ...goneNames, ...noLists].map((each) => [each.title, each] as const);
	test.each(refused)("%s", async (_, { path, base, ours, theirs }) => {
		for (const [one, other] of [
			[ours, theirs],
			[theirs, ours],
		] as const) {
			const texts = { base: Buffer.from(base), ours: Buffer.from(one), theirs: Buffer.from(other) };
			const { pieces, conflicts } = await mergeSafely(texts, { path, style: "merge" });

			expect(pieces.flatMap((piece) => (piece.kind === "automatic" ? [piece.rule, `${piece.text}`] : []))).toEqual([]);
			expect(conflicts).toBeGreaterThan(0);
		}
	});

	test.each([
		["package-lock.json", "npm install --package-lock-only"],
		["sub/Cargo.lock", "cargo generate-lockfile"],
		["go.sum", "go mod tidy"],
		["dist/bundle.js", undefined],
	])("a version in %s, with the command that makes the file anew", async (path, regenerate) => {
		const merged = await merge(['"a": "1.0.0"'], ['"a": "1.1.0"'], ['"a": "1.2.0"'], {
			path,
			remembered: () => Promise.resolve(bytes(["anything"])),
		});

		expect(merged).toMatchObject({ conflicts: 1, automatic: 0, regenerate });
	});

	test("whatever is not settled in time", async () => {
		const late = await merge(["version = 1.2.3;"], ["version = 1.2.4;"], ["version = 1.3.0;"], { deadlineMs: 0 });
		const never = await merge(["version = 1.2.3;"], ["version = 1.2.4;"], ["version = 1.3.0;"], {
			deadlineMs: 50,
			remembered: () => new Promise(() => {}),
		});

		expect(late).toMatchObject({ conflicts: 1, automatic: 0 });
		expect(never).toMatchObject({ conflicts: 1, automatic: 0 });
	});
});

describe("remembered", () => {
	const [base, ours, theirs] = [["x"], ["ours"], ["theirs"]];

	test("a resolution comes before every rule, in prose too", async () => {
		const merged = await merge(base, ours, theirs, {
			path: "README.md",
			remembered: () => Promise.resolve(bytes(["as before"])),
		});

		expect(merged).toMatchObject({ conflicts: 0, rules: ["remembered"], lines: ["as before"] });
	});

	test("the memory is asked with the base, also when the conflict is shown without", async () => {
		const keys: string[] = [];
		const ask = async (from: Lines, to: Lines) => {
			await merge(base, from, to, {
				remembered: (hunk) => {
					keys.push(hunkKey(hunk));
					return Promise.resolve(undefined);
				},
			});
		};
		await ask(ours, theirs);
		await ask(theirs, ours);

		expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
		expect(keys).toEqual([keys[0], keys[0]]);
	});

	test("a byte more or less in any of the three texts, or between them, is another conflict", () => {
		const key = (b: string, o: string, t: string) =>
			hunkKey({ base: Buffer.from(b), ours: Buffer.from(o), theirs: Buffer.from(t) });
		const keys = [
			key("b", "o", "t"),
			key("b ", "o", "t"),
			key("b", "o ", "t"),
			key("b", "o", "t "),
			key("bo", "", "t"),
			key("o", "b", "t"),
		];

		expect(new Set(keys).size).toBe(keys.length);
	});

	test("a conflict is told with the lines around it", async () => {
		const { pieces } = await mergeTexts(
			{ base: bytes(["a", "x", "z"]), ours: bytes(["a", "o", "z"]), theirs: bytes(["a", "t", "z"]) },
			"diff3",
		);
		const at = pieces.findIndex(({ kind }) => kind === "conflict");

		expect(hunkAt(pieces, at)).toEqual({
			before: bytes(["a"]),
			base: bytes(["x"]),
			ours: bytes(["o"]),
			theirs: bytes(["t"]),
			after: bytes(["z"]),
		});
		expect(hunkAt(pieces, at - 1)).toBeUndefined();
	});
});
