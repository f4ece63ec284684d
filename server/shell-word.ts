import { posix } from "node:path";
import { showText } from "./coordination/describe.ts";
import type { Resource } from "./coordination/resource.ts";

/**
 * A resource as an argument of `udo lock`, `udo run` and their like: `--branch main`, `--project`, `'it'\''s here'`. Paths are
 * from `directory`, where the command is going to be typed, relative to the top of the working tree. Safe for a terminal.
 */
export function resourceWords({ kind, id }: Resource, directory = ""): string {
	switch (kind) {
		case "file":
			return pathWord(id, directory);
		case "git":
			return `--branch ${shellWord(id)}`;
		case "database":
			return `--database ${shellWord(id)}`;
		case "project":
		case "exclusive":
			return `--${kind}`;
	}
}

/** A word of a shell command, quoted when it has to be. Safe for a terminal, and never cut short: half a path is another path. */
export function shellWord(word: string): string {
	const shown = showText(word, Number.POSITIVE_INFINITY);
	return /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(shown) ? shown : quoted(shown);
}

/** A text as one word of a shell command, byte for byte. */
export function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

function pathWord(id: string, directory: string): string {
	const path = posix.relative(`/${directory}`, `/${id}`) || ".";
	const whole = id.endsWith("/") ? `${path}/` : path;
	// A name that would be an option.
	return shellWord(whole.startsWith("-") ? `./${whole}` : whole);
}
