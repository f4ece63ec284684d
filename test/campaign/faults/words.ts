/** What a worker of the fault campaign is told. */
export interface FaultsWorkerOptions {
	readonly directory: string;
	readonly machine: string;
	readonly session: string;
	readonly project: string;
	/** REDIS_…, as a person sets it. */
	readonly environment: Readonly<Record<string, string>>;
	/** Resource keys. */
	readonly resources: readonly string[];
	readonly ttlMs: number;
	readonly seed: number;
}

/** What all want: some files, one directory around two of them, a branch and a database. */
export const contested = [
	"file:a.ts",
	"file:b.ts",
	"file:src/",
	"file:src/a.ts",
	"file:src/b.ts",
	"git:main",
	"database:users",
];
