/** Names that somebody could choose to do harm, or by accident; each kind as far as git and the system accept it. */
export interface HostileNames {
	/** Repo-relative, as bytes: not all of them are UTF-8. */
	readonly paths: readonly Buffer[];
	readonly branches: readonly string[];
	readonly remotes: readonly string[];
	/** Of a directory: a bare remote, a working tree. */
	readonly directories: readonly string[];
	readonly actors: readonly string[];
	/** Few of them are session names. */
	readonly sessions: readonly string[];
}

/** Whatever a name makes a shell or a git do leaves a file that is called so. */
export const canary = /^canary\d*$/;

const options = [
	"--upload-pack=touch canary",
	"--receive-pack=touch canary",
	"--exec=touch canary",
	"--output=canary",
	"--git-dir=canary",
	"-c core.pager=touch canary",
	"-ocanary",
	"--help",
	"--json",
	"--all",
	"-d",
	"-q",
	"-",
	"--",
];
const shell = [
	"$(touch canary)",
	"`touch canary`",
	"'; touch canary; '",
	'"; touch canary; "',
	"; touch canary #",
	"| touch canary",
	"&& touch canary",
	"> canary",
	"$HOME",
	"'",
	'"',
	"\\",
	"!!",
	"%s%n%d",
	"%0a%1b",
	"ext::sh -c touch% canary",
];
const terminal = [
	"\u001b[31mred\u001b[0m",
	"\u001b]8;;http://example.org\u0007link\u001b]8;;\u0007",
	"\u001b]0;title\u0007",
	"\u009b2J",
	"\b\b\b",
	"\r",
	"\u007f",
	"\t",
	"\nudo: all is well",
	"\n",
	"\u202egnp.exe",
	"\u2066a\u2069",
	"\u200b",
	"\u200d",
	"\ufeff",
	"\u2028",
	"\u{e0041}",
	"\ufe0f",
	"\u3164",
	"\u00ad",
];
const spellings = ["\u00e9", "e\u0301", "\ufb00", "\u212b", "\u0130", "\u{1f600}", "\u4e2d"];
const special = [
	"..",
	"...",
	".git",
	".GIT ",
	"@{",
	"@{-1}",
	"@",
	"HEAD",
	"FETCH_HEAD",
	"refs/heads/",
	":(glob)**",
	":/",
	":!x",
	"*",
	"?",
	"[a-z]",
	"~1",
	"^{}",
	"a:b",
	"#",
	"!",
	".lock",
];
const numbers = [
	"0",
	"1",
	"-1",
	"1e9",
	"0x10",
	"12345678",
	"deadbeef",
	"0123456789abcdef0123456789abcdef01234567",
	"0000000000000000000000000000000000000000",
	"term_ab12cd_3f9k",
	"proj_4k2m9x0a1b2c",
	"null",
	"__proto__",
	"constructor",
	"NaN",
];
const long = ["x".repeat(180), "\u00e9".repeat(80), "-".repeat(150)];
const bytes = ["\xff\xfe", "a\x80b", "\xc3\x28", "\xed\xa0\x80"].map((text) => Buffer.from(text, "latin1"));
const families = [options, shell, terminal, spellings, special, numbers, long];

/** Thirty names. */
export function hostileNames(random: () => number): HostileNames {
	const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
	// The number keeps names apart, and makes canaries of one round tell which they are.
	const text = (): string => {
		const parts = Array.from({ length: 1 + Math.floor(random() * 2.5) }, () => pick(pick(families)));
		return cut(parts.join(random() < 0.3 ? "x" : ""), 200) + String(Math.floor(random() * 1e6));
	};
	return {
		paths: [
			...Array.from({ length: 15 }, () => Buffer.from(pathOf(text(), random() < 0.3 ? text() : undefined))),
			...Array.from({ length: 2 }, () => Buffer.concat([Buffer.from(component(cut(text(), 100))), pick(bytes)])),
		],
		branches: [...Array.from({ length: 6 }, () => branchOf(text())), branchOf(`${text()}/${text()}`)],
		remotes: [remoteOf(text()), remoteOf(text())],
		directories: [directoryOf(text())],
		actors: [text(), text()],
		sessions: [text()],
	};
}

// At most so many bytes of whole characters.
function cut(text: string, most: number): string {
	let kept = "";
	for (const character of text) {
		if (Buffer.byteLength(kept + character) > most) break;
		kept += character;
	}
	return kept;
}

function pathOf(name: string, inner: string | undefined): string {
	return inner === undefined ? component(name) : `${component(name)}/${component(inner)}`;
}

function component(name: string): string {
	return name.replaceAll("/", "_");
}

// A working tree whose path has a line break is refused, and said to be.
function directoryOf(name: string): string {
	return component(name).replaceAll("\n", "_");
}

// What git's configuration can have as a name, and git as a part of a ref.
function remoteOf(name: string): string {
	return branchOf(name).replaceAll("/", "_");
}

// As git check-ref-format has it.
function branchOf(name: string): string {
	return name
		.replaceAll(" ", `\${IFS}`)
		.replaceAll(/[\p{Cc}~^:?*[\\]/gu, "")
		.replaceAll("@{", "@(")
		.replaceAll(/\.{2,}/g, ".")
		.replaceAll(/\/{2,}/g, "/")
		.replaceAll(/(^|\/)\.+/g, "$1")
		.replaceAll(/\.lock(?=\/|$)/g, "-lock")
		.replace(/^\/|[./]+$/g, "");
}
