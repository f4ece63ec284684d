import { accessSync, constants, lstatSync, type Stats } from "node:fs";

/** What lies at a path itself, a link not followed; undefined when nothing does, or when it cannot be looked at. */
export function lstatIfThere(path: string | Buffer): Stats | undefined {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch {
		return undefined;
	}
}

/** Whether this user may read what lies at a path. */
export function isReadable(path: string | Buffer): boolean {
	try {
		accessSync(path, constants.R_OK);
		return true;
	} catch {
		return false;
	}
}
