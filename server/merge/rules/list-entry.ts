import { fileKind } from "./file-kind.ts";
import { linesOf } from "./rule.ts";

/** A line that is one entry of a list: `key`, `key: value` or `key = value`. */
export interface ListEntry {
	readonly line: string;
	/** By what it is told from the others, and sorted. */
	readonly key: string;
	readonly value: string | undefined;
	/** Indentation and ending: entries of one list have them in common. */
	readonly shape: string;
}

/**
 * The entry that a line is; undefined when it may be something else. Statements have no trailing comma; only configuration has
 * entries without one. Positions, numbers, anchors, calls and blocks are no entries.
 */
export function listEntry(line: string, path: string): ListEntry | undefined {
	const match = pattern.exec(line);
	if (match === null) return undefined;
	const [, indent = "", key = "", value, comma = "", ending = ""] = match;
	const isBare = value === undefined;
	if (!/[A-Za-z\x80-\xff]/.test(key) || (comma === "" && (isBare || fileKind(path).kind !== "configuration")))
		return undefined;
	if (value !== undefined && (unfinished.test(value) || /[()$]/.test(value))) return undefined;
	return { line, key, value, shape: `${indent}|${isBare ? "" : ":"}|${comma}${ending}` };
}

const pattern =
	/^([ \t]*)("[^"\\]+"|'[^'\\]+'|[\w$@\x80-\xff][\w@./+\x80-\xff-]*)(?:\s*[:=](?![:=>~])\s*(\S.*?))?(,?)(\r?\n)$/;
// An opening bracket, a value that goes on in the next line, an anchor.
const unfinished = /[[{\\+|&<>]$|^[&*|>]/;

/**
 * Whether the place of an entry says something however sorted the list is: in a file that is read from top to bottom, among
 * parameters or the members of an enum, or in a list whose name says so. `before` is the text in front of the list's entries.
 */
export function isOrderMeant(path: string, before: string, entries: readonly ListEntry[]): boolean {
	const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
	if (ordered.test(name)) return true;
	const [first] = entries;
	const indent = /^[ \t]*/.exec(first?.line ?? "")?.[0].length ?? 0;
	const opener =
		indent === 0 ? undefined : linesOf(before).findLast((line) => line.trim() !== "" && line.search(/\S/) < indent);
	const isBare = entries.some(({ value }) => value === undefined);
	// The opening line of a long list is too far away; that of code has to be seen.
	if (opener === undefined) return fileKind(path).kind !== "configuration" || (isBare && indent === 0);
	if (/\(\s*$/.test(opener)) return !/^\s*from\s.*\bimport\s*\(\s*$/.test(opener);
	if (/\b(enum|match|switch|when|select|order\w*|migrations?)\b/i.test(opener)) return true;
	if (!isBare) return false;
	if (positional.test(name) || inOrder.test(opener)) return true;
	const isText = entries.every(({ key }) => /^["']/.test(key));
	return (
		!isText &&
		!/\b(import|export|from|use|require)\b/.test(opener) &&
		!(/\{\s*$/.test(opener) && /\.[cm]?[jt]sx?$/.test(name))
	);
}

const ordered =
	/^(codeowners|(gnu)?makefile|justfile|procfile|crontab|jenkinsfile|(docker|container)file(\..*)?|.*\.(dockerfile|mk|mak|cmake|css|scss|sass|less|styl|pcss|sh|bash|zsh|ksh|fish|bat|cmd|ps1|sql|conf|rules|patch|diff)|\.?[\w.-]*(ignore|attributes|rc|profile))$|^cmakelists/;
// There an array's entries are told by their position.
const positional = /\.([chm]|cc|cpp|cxx|hh|hpp|hxx|mm)$/;
const inOrder =
	/\b(extends|plugins?|presets?|middlewares?|installed_apps|steps?|stages?|phases?|rules?|priorit\w+|arg[sv]?|arguments|commands?|cmd|script|entrypoint|paths?|routes?|handlers?|hooks|pipelines?|overrides|layers?|filters?|processors?|transforms?|loaders?|queue|sequence|tasks?|levels?|columns?|fields?|params?|parameters)\b/i;
