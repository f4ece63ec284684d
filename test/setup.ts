import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { udoScript } from "./helpers/sandbox.ts";

// What the tests of real editors, terminals and teams need beside Node and git.
const programs = [
	{ command: "nvim", package: "neovim" },
	{ command: "tmux", package: "tmux" },
	{ command: "redis-server", package: "redis-server" },
];

/** Runs once before the suite: builds are npm's business, programs from Debian are installed here when root. */
export function setup(): void {
	if (!existsSync(udoScript))
		throw new Error("dist/udo.js is missing: run `npm test`, which builds first, or `npm run build`");
	const missing = programs.filter(({ command }) => spawnSync("sh", ["-c", `command -v ${command}`]).status !== 0);
	if (missing.length === 0) return;
	const packages = missing.map((program) => program.package);
	const isDebianRoot = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
	if (isDebianRoot && install(packages)) return;
	process.stderr.write(
		`\nTests that need ${packages.join(" and ")} are skipped. To run them: apt-get install ${packages.join(" ")}\n\n`,
	);
}

function install(packages: readonly string[]): boolean {
	process.stderr.write(`installing ${packages.join(", ")} for the tests …\n`);
	const apt = (...args: string[]) =>
		spawnSync("apt-get", args, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } })
			.status === 0;
	return withoutServices(
		() => apt("update", "-qq") && apt("install", "-y", "-qq", "--no-install-recommends", ...packages),
	);
}

// Debian starts what it installs, unless this file says no. The tests start their own Redis.
function withoutServices(work: () => boolean): boolean {
	const policy = "/usr/sbin/policy-rc.d";
	if (existsSync(policy)) return work();
	writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
	try {
		return work();
	} finally {
		rmSync(policy);
	}
}
