import type { Command } from "commander";
import { inspectHooks } from "../../hooks/install/inspect.ts";
import { type Config, readConfig, stateDirectory } from "../../server/config.ts";
import { showText } from "../../server/coordination/describe.ts";
import { projectOf } from "../../server/git/project.ts";
import { openRepository, type Repository } from "../../server/git/repository.ts";
import type { RedisSettings } from "../../server/store/redis/settings.ts";
import type { Cli } from "../command.ts";
import { type Finding, failed } from "../doctor/finding.ts";
import { inspectProject } from "../doctor/project.ts";
import { inspectRedis } from "../doctor/redis.ts";
import { inspectState } from "../doctor/state.ts";
import { inspectGit, inspectNode } from "../doctor/versions.ts";
import { thisProgram } from "../this-program.ts";

export function define(command: Command, cli: Cli): void {
	command.action(cli.action(() => doctor(cli)));
}

async function doctor(cli: Cli): Promise<number> {
	const findings: Finding[] = [inspectNode()];
	const repository = await attempt(findings, "repository", () => openRepository(cli.directory));
	const config = await attempt(findings, "configuration", async () => {
		const read = readConfig(cli.environment, repository?.worktree);
		findings.push({ check: "configuration", level: "ok", message: "configuration: valid" });
		return read;
	});
	await attempt(findings, "state", async () => {
		findings.push(...(await inspectState(stateDirectory(cli.environment), cli.environment)));
	});
	if (repository !== undefined) await inspectRepository(cli, repository, findings);
	if (config?.redis !== undefined) await inspectTeam(config, config.redis, repository, findings);
	const isWell = findings.every(({ level }) => level !== "failure");
	cli.output.result("doctor", { ok: isWell, findings }, [
		...findings.flatMap((finding) => lines(cli, finding)),
		isWell ? "everything works" : cli.output.bold("something does not work"),
	]);
	return isWell ? 0 : 1;
}

async function inspectRepository(cli: Cli, repository: Repository, findings: Finding[]): Promise<void> {
	await attempt(findings, "git", async () => {
		findings.push(inspectGit(await repository.run("--version")));
	});
	await attempt(findings, "project", async () => {
		findings.push(...(await inspectProject(repository, cli.environment)));
	});
	await attempt(findings, "hooks", async () => {
		const found = await inspectHooks(repository, thisProgram(cli.environment));
		findings.push(...found.map((finding) => ({ check: "hooks", ...finding })));
	});
}

async function inspectTeam(
	config: Config,
	redis: RedisSettings,
	repository: Repository | undefined,
	findings: Finding[],
): Promise<void> {
	await attempt(findings, "redis", async () => {
		const project = repository === undefined ? "none" : await projectOf(repository, config.project);
		findings.push(...(await inspectRedis(redis, project)));
	});
}

// The doctor's job is what is broken: a check that fails is a finding like another.
async function attempt<Result>(
	findings: Finding[],
	check: string,
	body: () => Promise<Result>,
): Promise<Result | undefined> {
	try {
		return await body();
	} catch (error) {
		findings.push(failed(check, error));
		return undefined;
	}
}

function lines(cli: Cli, { level, message, next }: Finding): string[] {
	const mark = { ok: "ok  ", warning: "warn", failure: cli.output.bold("FAIL") }[level];
	return [`${mark}  ${showText(message)}`, ...(next === undefined ? [] : [`      next: ${showText(next)}`])];
}
