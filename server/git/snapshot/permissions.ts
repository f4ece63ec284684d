import { chmodSync, mkdirSync } from "node:fs";
import { codeOf } from "../../errors.ts";
import { lstatIfThere } from "../lstat.ts";
import { type BytePath, onDisk } from "./byte-path.ts";

// They are written into the snapshot's message, which is read with those of all others.
const most = 1000;

/** Permissions in octal, and what has them: files that git does not know, and directories, with a slash at the end. */
export type Permissions = Readonly<Record<string, readonly BytePath[]>>;

/** The permissions of these files, and of the directories they are in, that are not as those of anything that is made here. */
export function permissionsOf(worktree: string, files: readonly BytePath[]): Permissions {
	const found: Record<string, BytePath[]> = {};
	const asked = new Set<BytePath>();
	let count = 0;
	for (const path of files.flatMap((file) => [file, ...directoriesOf(file)])) {
		if (asked.has(path) || count === most) continue;
		asked.add(path);
		const its = lstatIfThere(onDisk(worktree, path));
		if (its === undefined || its.isSymbolicLink()) continue;
		const bits = its.mode & 0o777;
		const usual = (its.isDirectory() || (bits & 0o100) !== 0 ? 0o777 : 0o666) & ~process.umask();
		if (bits === usual) continue;
		count += 1;
		const octal = bits.toString(8);
		found[octal] = [...(found[octal] ?? []), path];
	}
	return found;
}

/** The permissions by what has them. */
export function byPath(permissions: Permissions): ReadonlyMap<BytePath, number> {
	return new Map(
		Object.entries(permissions).flatMap(([octal, paths]) =>
			paths.map((path): [BytePath, number] => [path, Number.parseInt(octal, 8) & 0o777]),
		),
	);
}

/** Makes directories for files, and gives them the permissions they had when it is disposed: some let nobody write in them. */
export class MadeDirectories implements Disposable {
	readonly #worktree: string;
	readonly #permissions: ReadonlyMap<BytePath, number>;
	readonly #made: BytePath[] = [];

	constructor(worktree: string, permissions: ReadonlyMap<BytePath, number>) {
		this.#worktree = worktree;
		this.#permissions = permissions;
	}

	makeFor(path: BytePath): void {
		for (const directory of directoriesOf(path).reverse()) {
			try {
				mkdirSync(onDisk(this.#worktree, directory), { mode: (this.#permissions.get(directory) ?? 0o777) | 0o700 });
				this.#made.push(directory);
			} catch (error) {
				if (codeOf(error) !== "EEXIST") throw error;
			}
		}
	}

	[Symbol.dispose](): void {
		for (const directory of this.#made.reverse()) {
			const bits = this.#permissions.get(directory);
			if (bits !== undefined) chmodSync(onDisk(this.#worktree, directory), bits);
		}
	}
}

/** The innermost first. */
function directoriesOf(path: BytePath): BytePath[] {
	return path
		.split("/")
		.slice(0, -1)
		.map((_, i, names) => `${names.slice(0, names.length - i).join("/")}/` as BytePath);
}
