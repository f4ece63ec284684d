import { closeSync, openSync, readSync } from "node:fs";

/*
 * Stands in for the packages `detect-libc` and `@neon-rs/load` in the bundle (see the build script), by which libsql chooses
 * its native binary. They ask for two diagnostic reports of the process, 5 ms of CPU each at every start of every command
 * and hook; the program header of node itself names its libc as well.
 */

export const GLIBC = "glibc";
export const MUSL = "musl";

/** Which libc this node was built for. */
export function familySync(): typeof GLIBC | typeof MUSL {
	const head = Buffer.alloc(4096);
	const file = openSync(process.execPath, "r");
	readSync(file, head);
	closeSync(file);
	return head.includes("ld-musl-") ? MUSL : GLIBC;
}

/** The suffix of libsql's native package for this machine, such as `linux-x64-gnu`. */
export function currentTarget(): string {
	const { platform, arch } = process;
	if (platform === "linux") return `linux-${arch}-${familySync() === MUSL ? "musl" : "gnu"}`;
	return platform === "win32" ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Only libsql's own developers load it from a build directory. */
export function load(): never {
	throw new Error("LIBSQL_JS_DEV is not supported");
}
