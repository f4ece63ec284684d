/** A merge that no rule may settle, one line an item; the texts are short for lines that end in LF. */
export interface RefusedMerge {
	readonly title: string;
	readonly path: string;
	readonly base: string;
	readonly ours: string;
	readonly theirs: string;
}

/** Numbers with dots that are no versions, or not such that the larger one is right. */
export const noVersions: readonly RefusedMerge[] = [
	one("a rate", "rates.py", "RATES = {'EUR': $}", "1.08", "1.11", "1.09"),
	one("a time in JSON", "a.json", '"timeout": $', "1.5", "2.5", "2.0"),
	one("a coordinate in a manifest", "package.json", '  "lat": $,', "48.1", "48.3", "48.2"),
	one("a property", "Box.tsx", '<Box title="x" opacity={$}>', "0.5", "0.7", "0.6"),
	one("a keyword argument", "a.py", "plot('x', alpha=$)", "0.5", "0.7", "0.6"),
	one("a conversion", "a.c", "double conversion = $;", "1.5", "1.7", "1.6"),
	one("an inversion in capitals", "a.h", '#define CONVERSION "$"', "1.5", "1.7", "1.6"),
	one("an address", "net.yaml", "gateway: $", "10.0.0.1", "10.0.0.254", "10.0.1.1"),
	one("an address where the key says version", "a.yaml", "version: $", "10.0.0.1", "10.0.0.254", "10.0.1.1"),
	one("a network", "main.tf", 'cidr = "$/16"', "10.0", "10.1", "10.2"),
	one("an object identifier", "oid.go", 'var oid = "$"', "1.3.6.1.4", "1.3.6.1.5", "1.3.6.1.6"),
	one("a short object identifier", "oid.go", 'var oid = "$"', "1.3.6", "1.3.7", "1.3.8"),
	one("a date", "a.yaml", 'updated: "$"', "2024.02.01", "2024.02.02", "2024.03.01"),
	one("a date where the key says version", "a.toml", 'version = "$"', "2024.1.1", "2024.2.1", "2024.3.1"),
	one("a date without its year", "a.toml", 'version = "$"', "01.02", "01.03", "01.04"),
	one("a section that is referred to", "a.rs", "// see section $ of the book", "1.2.3", "1.2.4", "1.3.1"),
	one("an excluded version", "setup.cfg", "    numpy!=$", "3.6", "3.7", "3.8"),
	one("an excluded version behind another", "pyproject.toml", '  "numpy>=1.0,!=$",', "3.6.1", "3.7.1", "3.8.1"),
	one("an upper bound", "package.json", '  "node": "<$"', "18.0.0", "20.0.0", "22.0.0"),
	one("an upper bound that may be reached", "pyproject.toml", 'python = "<=$"', "3.8.1", "3.9.1", "3.10.1"),
	one("a comparison in code", "a.py", "if ratio >= $:", "1.2", "1.5", "1.7"),
	one("a comparison in a query", "a.ts", 'where("price >= $")', "1.2", "1.5", "1.7"),
	one("a comparison with a version", "a.py", "if version == $:", "1.2", "1.5", "1.7"),
	one("a term", "a.js", "const version = $ * factor;", "1.2", "1.5", "1.7"),
	one("a length", "a.css", "  line-height: $em;", "1.2", "1.5", "1.7"),
	one("a floor of coverage", "pyproject.toml", "fail_under = $", "97.5", "98.5", "99.1"),
	one("a probability", "a.sql", "UPDATE t SET p = $ WHERE q = 'v';", "0.25", "0.5", "0.75"),
	one("a fraction in quotes", "a.yaml", '  cpu: "$"', "0.5", "1.5", "2.5"),
	one("three numbers in a test", "a.test.ts", 'expect(parse("$")).toBe(true);', "1.2.3", "1.2.4", "1.2.5"),
	one("an image's variant", "Dockerfile", "FROM node:18.1.0-$", "alpine", "bookworm", "slim"),
	one("an image's version and its variant", "Dockerfile", "FROM node:$", "18.0.0-slim", "18.1.0-alpine", "18.2.0-slim"),
	one("an image with its digest", "a.yaml", "image: a/b:$", "1.0.0@sha256:aa", "1.1.0@sha256:bb", "1.2.0@sha256:cc"),
	one("a registry's address", "a.yaml", "image: $:5000/app", "10.0.0.1", "10.0.0.2", "10.0.0.3"),
	one("a range", "package.json", '  "a": "$"', "1.0.0 - 1.9.0", "1.0.0 - 2.9.0", "1.0.0 - 3.9.0"),
	one("a number with a fraction, by a key that says version", "a.yaml", "version: $", "1.8", "1.9", "1.10"),
	one("a letter behind", "a.sh", "VERSION=$", "1.2.3x", "1.2.4x", "1.2.5x"),
];

/** What one side gave up and the other used anew, or both gave to something else. */
export const goneNames: readonly RefusedMerge[] = [
	lines(
		"a shell variable, in what is deleted",
		"clean.sh",
		["DIR=/tmp/x", "mkdir -p out"],
		["TARGET=/tmp/x", "mkdir -p out"],
		["DIR=/tmp/x", 'rm -rf "$DIR"/'],
	),
	lines(
		"a parameter",
		"a.ts",
		["function f(a) {", "\treturn x * 2;"],
		["function f(count) {", "\treturn x * 2;"],
		["function f(a) {", "\treturn x * 2 + a;"],
	),
	lines(
		"an import",
		"a.ts",
		['import { foo } from "./x";', "run(1);"],
		['import { bar } from "./x";', "run(1);"],
		['import { foo } from "./x";', "foo(2);"],
	),
	lines(
		"a function",
		"a.js",
		["function load(x) {", "\tstart(x);"],
		["function read(x) {", "\tstart(x);"],
		["function load(x) {", "\tload.cache(x);"],
	),
	lines(
		"a Go variable",
		"a.go",
		["conn := dial(addr)", "log(addr)"],
		["client := dial(addr)", "log(addr)"],
		["conn := dial(addr)", "log(conn.addr)"],
	),
	lines(
		"a Rust binding",
		"a.rs",
		["let n = items.len();", "emit(items);"],
		["let count = items.len();", "emit(items);"],
		["let n = items.len();", "emit(items, n);"],
	),
	lines(
		"a macro",
		"a.h",
		["#define SIZE 64", "char buffer[64];"],
		["#define CAPACITY 64", "char buffer[64];"],
		["#define SIZE 64", "char buffer[SIZE];"],
	),
	lines(
		"a port",
		"run.yaml",
		["port: 8080", "check: none"],
		["port: 9090", "check: none"],
		["port: 8080", "check: localhost:8080"],
	),
	lines(
		"a column",
		"a.sql",
		["SELECT total,", "  name"],
		["SELECT amount,", "  name"],
		["SELECT total,", "  name || total"],
	),
	lines(
		"a custom property",
		"a.css",
		["  --main-color: red;", "  color: blue;"],
		["  --brand-color: red;", "  color: blue;"],
		["  --main-color: red;", "  color: var(--main-color);"],
	),
	lines(
		"a target",
		"Makefile",
		["build: a.c", "test: a.c"],
		["compile: a.c", "test: a.c"],
		["build: a.c", "test: build a.c"],
	),
	lines(
		"a job",
		"ci.yml",
		["  - name: lint", "    needs: []"],
		["  - name: style", "    needs: []"],
		["  - name: lint", "    needs: [lint]"],
	),
	lines(
		"a name within one line",
		"a.py",
		["def total(a, b, limit): return b"],
		["def total(first, b, limit): return b"],
		["def total(a, b, limit): return b or a"],
	),
	lines(
		"a name that both gave to another thing",
		"a.ts",
		["const a = one();", "const b = two();"],
		["const result = one();", "const b = two();"],
		["const a = one();", "const result = two();"],
	),
	lines(
		"a key that both wrote over another one",
		"a.toml",
		["host = 1", "name = 2"],
		["address = 1", "name = 2"],
		["host = 1", "address = 2"],
	),
	lines(
		"a version and the address of the smaller one",
		"a.rb",
		['version "1.0.0"', "license: mit", 'url "x/1.0.0.tgz"'],
		['version "1.2.0"', "license: mit", 'url "x/1.0.0.tgz"'],
		['version "1.1.0"', "license: mit", 'url "x/1.1.0.tgz"'],
	),
	lines("two values of an enum", "a.rs", ["A = 1,", "B = 2,"], ["A = 5,", "B = 2,"], ["A = 1,", "B = 5,"]),
	lines("two columns", "a.sql", ["a INT,", "b INT"], ["c INT,", "b INT"], ["a INT,", "c INT"]),
	lines(
		"two ports that both moved",
		"a.yml",
		["web: 8000", "jobs: 8001"],
		["web: 8004", "jobs: 8001"],
		["web: 8000", "jobs: 8004"],
	),
	lines(
		"one off by one, put right in two lines",
		"a.py",
		["span(n)", "range(m)"],
		["span(n + 1)", "range(m)"],
		["span(n)", "range(m + 1)"],
	),
	lines(
		"what is a conflict in the base, as that of several merge bases may be",
		"a.toml",
		["<<<<<<<<< Temporary merge branch 1", "=========", 'version = "1.0.0"', ">>>>>>>>> Temporary merge branch 2"],
		['version = "1.2.0"'],
		['version = "1.3.0"'],
	),
	lines(
		"a name that both gave to another thing, beside a line of both",
		"a.ts",
		["one(1);", "two(2);", "go(a, b, c);"],
		["run(1);", "two(2);", "go(first, b, c);"],
		["one(1);", "run(2);", "go(a, b, third);"],
	),
	lines(
		"a line deleted for another one, beside one that was put behind it",
		"a.js",
		["\tone(1);", "\ttwo(2);"],
		["\tours(added);", "\ttwo(2);"],
		["\tone(1);", "\ttheirs(more);"],
	),
	lines("the numbers of a date", "a.py", ["date(2025, 2, 29)"], ["date(2024, 2, 29)"], ["date(2025, 2, 28)"]),
];

/** Lines in alphabetical order whose place says something, or that are no list. */
export const noLists: readonly RefusedMerge[] = [
	inserted("shell commands", "run.sh", ["cd a", "make", "open b", "rm x", "tar y"], 2, "mv y z", "mkdir y"),
	inserted(
		"statements that use each other",
		"a.py",
		["a = one", "c = compute", "d = c", "e = d"],
		1,
		"bb = a",
		"b = a",
	),
	inserted("two error codes with one number", "a.ts", codes(1, 2, 3, 4), 5, "\tempty: 5,", "\tfull: 5,"),
	inserted("two ports", "a.yml", ["a: 8000", "b: 8001", "c: 8002", "d: 8003"], 4, "jobs: 8004", "mail: 8004"),
	inserted("two names of one thing", "a.yml", ["a: on", "b: off", "c: up", "d: to"], 4, "jobs: left", "mail: left"),
	inserted("owners", "CODEOWNERS", ["a/ @a", "b/ @b", "c/ @c", "d/ @d"], 2, "bb/ @x", "bc/ @y"),
	inserted("ignored files", ".gitignore", ["a", "b", "c", "d"], 2, "bb", "bc"),
	inserted("attributes", ".gitattributes", ["a text", "b text", "c text", "d text"], 2, "bb text", "bc -text"),
	inserted(
		"style",
		"a.css",
		["  border: 0;", "  color: red;", "  left: 0;", "  top: 0;"],
		3,
		"  margin: 0;",
		"  margin-left: 4px;",
	),
	inserted(
		"style in code",
		"a.tsx",
		["a = {", "\tborder: 0,", "\tcolor: red,", "\tleft: 2,", "\ttop: 3,"],
		4,
		"\tmargin: 5,",
		"\tmarginLeft: 4,",
	),
	inserted(
		"members of an enum",
		"a.rs",
		["enum Kind {", "\tAbort,", "\tBusy,", "\tDenied,", "\tFull,"],
		4,
		"\tEmpty,",
		"\tError,",
	),
	inserted(
		"members of an enum with numbers",
		"a.ts",
		["enum Kind {", "\tA = 1,", "\tB = 2,", "\tC = 3,", "\tD = 4,"],
		5,
		"\tE = 5,",
		"\tF = 6,",
	),
	inserted(
		"parameters",
		"a.ts",
		["function f(", "\ta: string,", "\tb: string,", "\tc: string,", "\td: string,"],
		3,
		"\tbb: number,",
		"\tbc: Date,",
	),
	inserted(
		"an array of C",
		"a.c",
		["char *names[] = {", '\t"abort",', '\t"busy",', '\t"denied",', '\t"full",'],
		4,
		'\t"empty",',
		'\t"error",',
	),
	inserted(
		"stages",
		"a.json",
		['  "stages": [', '    "build",', '    "lint",', '    "pack",', '    "test",'],
		3,
		'    "move",',
		'    "note",',
	),
	inserted(
		"what opens nowhere in sight",
		"a.ts",
		["\ta: 1,", "\tb: 2,", "\tc: 3,", "\td: 4,"],
		2,
		"\tba: 5,",
		"\tbb: 6,",
	),
	inserted("a list of steps", "ci.yml", ["- build", "- lint", "- pack", "- test"], 2, "- move", "- note"),
	inserted("prerequisites", "Makefile", ["a: x", "b: y", "c: z", "d: w"], 2, "bb: v", "bc: u"),
	inserted("instructions", "Dockerfile", ["ADD a b", "COPY b c", "ENV c=d", "RUN d"], 2, "CMD x", "EXPOSE 1"),
	inserted("statements of SQL", "a.sql", ["alter a,", "create b,", "drop c,", "insert d,"], 2, "delete x,", "do y,"),
	inserted("anchors", "a.yml", ["a: &one 1", "b: *one", "c: *one", "d: 4"], 3, "ca: &two 2", "cb: *two"),
	inserted("variables made of others", ".env", ["A=1", "B=$A", "C=2", "D=3"], 2, "BA=$B", "BB=$A"),
	inserted(
		"arms of a match",
		"a.rs",
		["match x {", "\ta => 1,", "\tb => 2,", "\tc => 3,", "\td => 4,"],
		3,
		"\tba => 5,",
		"\tbb => 6,",
	),
	inserted(
		"migrations",
		"a.py",
		["migrations = [", '\t"0001_a",', '\t"0002_b",', '\t"0003_c",', '\t"0004_d",'],
		5,
		'\t"0005_e",',
		'\t"0005_f",',
	),
	inserted(
		"fields that start in order",
		"a.go",
		["type T struct {", "\tA int", "\tB int", "\tC int", "\tD int"],
		3,
		"\tBA int",
		"\tBB int",
	),
	inserted(
		"three entries, which tell too little",
		"a.json",
		["[", '  "a",', '  "b",', '  "c",', "]"],
		2,
		'  "aa",',
		'  "ab",',
	),
];

function one(title: string, path: string, line: string, base: string, ours: string, theirs: string): RefusedMerge {
	const text = (value: string) => `${line.replace("$", () => value)}\n`;
	return { title, path, base: text(base), ours: text(ours), theirs: text(theirs) };
}

function lines(
	title: string,
	path: string,
	...texts: [base: string[], ours: string[], theirs: string[]]
): RefusedMerge {
	const [base = "", ours = "", theirs = ""] = texts.map((text) => text.map((line) => `${line}\n`).join(""));
	return { title, path, base, ours, theirs };
}

function inserted(title: string, path: string, base: string[], at: number, our: string, their: string): RefusedMerge {
	return lines(title, path, base, base.toSpliced(at, 0, our), base.toSpliced(at, 0, their));
}

function codes(...numbers: number[]): string[] {
	return ["const codes = {", ...numbers.map((number) => `\t${"abcd"[number - 1]}: ${number},`)];
}
