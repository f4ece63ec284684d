import { chmodSync, closeSync, mkdirSync, openSync, statfsSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import pRetry from "p-retry";
import type { RequestId } from "../../coordination/lock.ts";
import { codeOf, StoreUnavailableError } from "../../errors.ts";
import { busyPatienceMs, explainFailure, sqliteCodeOf } from "./failure.ts";
import { fileSystemName } from "./file-system.ts";
import lifeCycleSchema from "./life-cycle.sql";
import type { Fate } from "./request-bells.ts";
import schema from "./schema.sql";
import teamSchema from "./team.sql";

const schemaVersion = 3;

// A step takes a tenth of a millisecond, so another process's is soon over: ask again a few times at once. SQLite's own wait
// starts with a whole millisecond and gets longer, which is unfair under load (0.4–1.4 s measured).
const promptTries = 10;
const promptPauseMs = 0.3;

// A step changes a few bytes on some seven pages, and each goes to the log whole: small pages halve what a commit costs. The
// log is copied back, by whoever commits just then, only every 4 MB: at the default it would hit one step in a hundred.
const pragmas = `
	PRAGMA page_size = 1024;
	PRAGMA journal_mode = WAL;
	PRAGMA synchronous = NORMAL;
	PRAGMA wal_autocheckpoint = 4000;
`;

type Announced = readonly [RequestId, Fate];

type Bindable = string | number | null | Uint8Array;

/** The one SQLite file of this user and machine: opening it, atomic steps on it, and what its failures mean to a person. */
export class Database implements Disposable {
	readonly path: string;
	readonly #sqlite: Libsql.Database;
	readonly #statements = new Map<string, Libsql.Statement>();
	#busy = 0;
	#commits = 0;
	#announced: Announced[] = [];

	private constructor(path: string, sqlite: Libsql.Database) {
		this.path = path;
		this.#sqlite = sqlite;
	}

	/** Opens `udo.db` in a directory, creating both; safe when many processes do it at the same instant. */
	static async open(directory: string): Promise<Database> {
		const path = join(directory, "udo.db");
		try {
			prepareDirectory(directory, path);
			return new Database(
				path,
				await patiently(
					() => openSqlite(path),
					() => {},
				),
			);
		} catch (error) {
			throw explainFailure(error, path);
		}
	}

	/** How often a step had to wait for another process since the last time this was asked. */
	takeBusyCount(): number {
		const busy = this.#busy;
		this.#busy = 0;
		return busy;
	}

	/** Something that is different after every commit of any process; undefined when SQLite cannot tell now. */
	version(): string | undefined {
		try {
			return `${this.get<{ data_version: number }>("PRAGMA data_version")?.data_version} ${this.#commits}`;
		} catch {
			return undefined;
		}
	}

	/** Notes, inside a step, that others must hear of the fate of a request once the step is committed. */
	announce(request: RequestId, fate: Fate): void {
		this.#announced.push([request, fate]);
	}

	/**
	 * Runs `body` as one write transaction: all of it happens, or nothing when it throws or the process dies. `committed` is told
	 * at once what the step announced.
	 */
	async step<T>(body: () => T, committed: (announced: readonly Announced[]) => void = () => {}): Promise<T> {
		return this.#transaction("BEGIN IMMEDIATE", body, (announced) => {
			this.#commits += 1;
			committed(announced);
		});
	}

	/** Runs `body` on one consistent snapshot. */
	async read<T>(body: () => T): Promise<T> {
		return this.#transaction("BEGIN", body, () => {});
	}

	all<Row>(sql: string, ...values: Bindable[]): Row[] {
		return this.#statement(sql).all(...values) as Row[];
	}

	get<Row>(sql: string, ...values: Bindable[]): Row | undefined {
		return this.#statement(sql).get(...values) as Row | undefined;
	}

	/** Runs a statement that returns no rows; answers how many rows it changed. */
	run(sql: string, ...values: Bindable[]): number {
		return this.#statement(sql).run(...values).changes;
	}

	/** SQLite's own integrity check: "ok", or what it found. */
	integrity(): string {
		const row = this.get<{ quick_check: string }>("PRAGMA quick_check(1)");
		return row?.quick_check ?? "no answer";
	}

	[Symbol.dispose](): void {
		this.#statements.clear();
		this.#sqlite.close();
	}

	async #transaction<T>(
		begin: string,
		body: () => T,
		committed: (announced: readonly Announced[]) => void,
	): Promise<T> {
		const attempt = () => {
			this.#announced = [];
			this.#run(begin);
			try {
				const result = body();
				this.#run("COMMIT");
				// Before anything else can start a step of its own and announce something else.
				committed(this.#announced);
				return result;
			} catch (error) {
				// SQLite itself has rolled back after some failures, such as a full disk.
				if (this.#sqlite.inTransaction) this.#run("ROLLBACK");
				throw error;
			}
		};
		try {
			return await patiently(attempt, () => {
				this.#busy += 1;
			});
		} catch (error) {
			throw explainFailure(error, this.path);
		}
	}

	#run(sql: string): void {
		this.#statement(sql).run();
	}

	#statement(sql: string): Libsql.Statement {
		let statement = this.#statements.get(sql);
		if (statement === undefined) {
			statement = this.#sqlite.prepare(sql);
			this.#statements.set(sql, statement);
		}
		return statement;
	}
}

function prepareDirectory(directory: string, path: string): void {
	mkdirSync(directory, { recursive: true, mode: 0o700 });
	const network = fileSystemName(statfsSync(directory).type);
	if (network !== undefined) {
		throw new StoreUnavailableError(`${directory} is on a network file system (${network})`, {
			why: "SQLite cannot keep locks exclusive there: two machines would both be granted the same lock.",
			next: "export XDG_STATE_HOME=/a/directory/on/a/local/disk",
		});
	}
	// SQLite gives its -wal and -shm files the permissions of the database file, so it is created before SQLite sees it.
	try {
		closeSync(openSync(path, "ax", 0o600));
		chmodSync(directory, 0o700);
	} catch (error) {
		if (codeOf(error) !== "EEXIST") throw error;
	}
}

function openSqlite(path: string): Libsql.Database {
	const sqlite = new Libsql(path);
	try {
		sqlite.exec(pragmas);
		if (versionOf(sqlite) !== schemaVersion) createSchema(sqlite, path);
		return sqlite;
	} catch (error) {
		sqlite.close();
		throw error;
	}
}

// What each format had not yet; a new store goes through all of them.
const migrations = [schema, teamSchema, lifeCycleSchema];

function createSchema(sqlite: Libsql.Database, path: string): void {
	sqlite.exec("BEGIN IMMEDIATE");
	const version = versionOf(sqlite);
	for (let format = version; format < schemaVersion; format++) sqlite.exec(migrations[format] ?? "");
	if (version < schemaVersion) sqlite.exec(`PRAGMA user_version = ${schemaVersion}`);
	sqlite.exec("COMMIT");
	if (version > schemaVersion) {
		throw new StoreUnavailableError(`${path} was written by a newer udo`, {
			why: `it has format ${version}, this udo knows ${schemaVersion}.`,
			next: "update udo here",
		});
	}
}

function versionOf(sqlite: Libsql.Database): number {
	const row = sqlite.prepare("PRAGMA user_version").get() as { user_version: number };
	return row.user_version;
}

// The waits are random, so that processes which collided do not collide again; the short ones block, the long ones do not.
async function patiently<T>(body: () => T, onBusy: () => void): Promise<T> {
	for (let tries = 1; tries <= promptTries; tries++) {
		try {
			return body();
		} catch (error) {
			if (!isBusy(error)) throw error;
			if (tries === 1) onBusy();
			Atomics.wait(nothing, 0, 0, Math.random() * promptPauseMs);
		}
	}
	return pRetry(body, {
		retries: Number.POSITIVE_INFINITY,
		minTimeout: 1,
		factor: 1.2,
		maxTimeout: 10,
		randomize: true,
		maxRetryTime: busyPatienceMs,
		shouldRetry: ({ error }) => isBusy(error),
	});
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

function isBusy(error: unknown): boolean {
	return sqliteCodeOf(error).startsWith("SQLITE_BUSY");
}
