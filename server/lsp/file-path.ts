import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The path of a `file:` URI; undefined for any other and for a malformed one. */
export function filePath(uri: string): string | undefined {
	try {
		const path = fileURLToPath(uri);
		return path.includes("\0") ? undefined : path;
	} catch {
		return undefined;
	}
}

/** The path with symbolic links resolved, as far as it exists. */
export function realPath(path: string): string {
	const missing: string[] = [];
	for (let existing = path; ; existing = dirname(existing)) {
		try {
			return join(realpathSync.native(existing), ...missing);
		} catch {
			if (dirname(existing) === existing) return path;
			missing.unshift(basename(existing));
		}
	}
}
