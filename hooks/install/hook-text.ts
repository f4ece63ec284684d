import { agentNames } from "../../server/coordination/identity.ts";
import { quoted } from "../../server/shell-word.ts";
import fsmonitor from "../fsmonitor.sh";
import gate from "../gate.sh";
import { type HookName, hookNames } from "../verdict.ts";
import { hookMarks, markedBlock, withoutBlock } from "./marked-block.ts";

/** What the gate starts: absolute paths, because a graphical git client does not have the PATH of a terminal. */
export interface Baked {
	readonly node: string;
	readonly program: string;
}

/** What an installation in a clone leads to. */
export interface Target extends Baked {
	/** The directory of the store of this user and machine. */
	readonly state: string;
}

/** The text of `udo/gate.sh` in the git directory. */
export function gateText({ node, program }: Baked): string {
	const agents = ` ${[...agentNames.keys()].join(" ")} `;
	return `udo_node=${quoted(node)}\nudo_program=${quoted(program)}\nudo_agents=${quoted(agents)}\n${gate}`;
}

/** The text of `udo/fsmonitor` in the git directory; `next` is the core.fsmonitor that was there before. */
export function fsmonitorText({ node, program }: Baked, next = ""): string {
	return `#!/bin/sh\nudo_node=${quoted(node)}\nudo_program=${quoted(program)}\nudo_next=${quoted(next)}\n${fsmonitor}`;
}

/** What `gateText` was given, or undefined when the text is something else. */
export function bakedIn(text: string): Baked | undefined {
	const [node, program] = ["udo_node", "udo_program"].map((name) =>
		new RegExp(`^${name}='(.*)'$`, "m").exec(text)?.[1]?.replaceAll("'\\''", "'"),
	);
	return node === undefined || program === undefined ? undefined : { node, program };
}

/** The hook that udo makes where there is none. */
export function newHook(name: HookName, madeDirectory: boolean): string {
	return `${madeDirectory ? madeWithDirectory : made}${block(name)}`;
}

/** Somebody's sh hook with udo's check in front of it. */
export function guardedHook(name: HookName, text: string): string {
	const body = text.indexOf("\n") + 1;
	return `${text.slice(0, body)}${block(name)}${text.slice(body)}`;
}

/** The hook without udo's check; undefined when udo made the file. */
export function unguardedHook(text: string): string | undefined {
	const rest = withoutBlock(hookMarks, text);
	return rest !== text && (rest === made || rest === madeWithDirectory) ? undefined : rest;
}

/** Whether udo also made the directory that this hook is in. */
export function saysMadeDirectory(text: string): boolean {
	return text.startsWith(madeWithDirectory);
}

/** Whether `guardedHook` keeps what the hook means: it has to be a script of a shell that the gate knows. */
export function isShellScript(text: string): boolean {
	return /^#! ?(\/usr)?\/bin\/(env )?(sh|dash|bash|ash|ksh)( -[a-z]+)*\n/.test(text);
}

/** The hook in udo's own hooks directory: its check, if it has one to make, and then the hook that git would run without udo. */
export function relay(name: string, original: string): string {
	const guarded: readonly string[] = hookNames;
	return [
		"#!/bin/sh",
		"# Made by `udo init`. What follows udo's check is the hook that git runs without udo.",
		...(guarded.includes(name) ? check(name, "..") : []),
		`udo_next=${quoted(`${original}/${name}`)}`,
		'if [ -f "$udo_next" ] && [ -x "$udo_next" ]; then exec "$udo_next" "$@"; fi',
		"",
	].join("\n");
}

/** The hook in udo's own directory that git starts beside those of others, by its config: udo's check and nothing else. */
export function configHook(name: HookName): string {
	return ["#!/bin/sh", "# Made by `udo init`; git's config names it.", ...check(name, ".."), ""].join("\n");
}

/** Whether a hook file leads to the gate. */
export function callsGate(name: HookName, text: string): boolean {
	return text.includes(`\nudo_hook=${name} udo_home=`);
}

const made = "#!/bin/sh\n# `udo init` made this file.\n";
const madeWithDirectory = "#!/bin/sh\n# `udo init` made this file and its directory.\n";

function block(name: HookName): string {
	return markedBlock(hookMarks, check(name, "../udo"));
}

// git names the hook with its directory, so `$0` leads to the gate, wherever the repository was moved to.
function check(name: string, home: string): string[] {
	// git tells of each change of a ref two or three times, at every commit: not even the gate is read in vain.
	const asked = name === "reference-transaction" ? `[ "\${1-}" = prepared ] && ` : "";
	return [
		`udo_hook=${name} udo_home=\${0%/*}/${home}`,
		`if ${asked}[ -r "$udo_home/gate.sh" ]; then . "$udo_home/gate.sh"; fi`,
	];
}
