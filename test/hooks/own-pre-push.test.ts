import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { hasOwnPrePush } from "../../hooks/install/own-pre-push.ts";
import { Plumbing } from "../../server/git/plumbing.ts";
import { openRepository } from "../../server/git/repository.ts";
import { Settings } from "../../server/git/settings.ts";
import { installHooks, writeScript } from "../helpers/hooks.ts";
import { Sandbox } from "../helpers/sandbox.ts";

const husky = '#!/usr/bin/env sh\n. "$(dirname "$0")/h"';
const lefthook = "#!/bin/sh\ncall_lefthook run pre-push $@\n";
const udoOnly = "pre-push:\n  commands:\n    udo:\n      run: 'udo hook pre-push {1} {2}'\n      use_stdin: true\n";

test.each<{
	what: string;
	scripts?: Record<string, string>;
	files?: Record<string, string>;
	settings?: string[];
	own: boolean;
}>([
	{ what: "no hook", own: false },
	{ what: "a hook of one's own", scripts: { ".git/hooks/pre-push": "#!/bin/sh\nscan\n" }, own: true },
	{ what: "a hook that is no shell script", scripts: { ".git/hooks/pre-push": "\u007fELF" }, own: true },
	{ what: "a hook that git does not run", files: { ".git/hooks/pre-push": "#!/bin/sh\nscan\n" }, own: false },
	{
		what: "a hook that only calls udo",
		scripts: { ".git/hooks/pre-push": '#!/bin/sh\nudo hook pre-push "$@"\n' },
		own: false,
	},
	{
		what: "husky without one",
		scripts: { ".husky/_/pre-push": husky },
		settings: ["core.hooksPath", ".husky/_"],
		own: false,
	},
	{
		what: "husky with one",
		scripts: { ".husky/_/pre-push": husky },
		files: { ".husky/pre-push": "scan\n" },
		settings: ["core.hooksPath", ".husky/_"],
		own: true,
	},
	{
		what: "lefthook with udo alone",
		scripts: { ".git/hooks/pre-push": lefthook },
		files: { "lefthook.yml": udoOnly },
		own: false,
	},
	{
		what: "lefthook with more",
		scripts: { ".git/hooks/pre-push": lefthook },
		files: { "lefthook.yml": `${udoOnly}    scan:\n      run: scan\n` },
		own: true,
	},
	{ what: "one in git's config", settings: ["hook.scan.event", "pre-push"], own: true },
])("$what: whether a push has to pass a hook that is not udo's", async ({ scripts, files, settings, own }) => {
	await using sandbox = await Sandbox.create();
	for (const [path, text] of Object.entries(files ?? {})) await write(join(sandbox.repository, path), text);
	for (const [path, text] of Object.entries(scripts ?? {})) {
		await mkdir(dirname(join(sandbox.repository, path)), { recursive: true });
		await writeScript(join(sandbox.repository, path), text);
	}
	if (settings !== undefined) await sandbox.git("config", ...settings);
	const ask = async () => {
		const git = new Plumbing(sandbox.repository, sandbox.environment);
		return hasOwnPrePush(await openRepository(sandbox.repository), await Settings.read(git));
	};

	expect(await ask()).toBe(own);
	if (files?.["lefthook.yml"] === undefined) {
		await installHooks(sandbox);
		expect(await ask()).toBe(own);
	}
});

async function write(path: string, text: string): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	await writeFile(path, text);
}
