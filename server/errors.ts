/** What a user can act on. `message` says what happened, `why` who and until when, `next` the command to type now. */
export class UdoError extends Error {
	override readonly name: string = "UdoError";
	readonly code: string;
	readonly exitCode: number;
	readonly why: string | undefined;
	readonly next: string | undefined;
	/** Whether the same call may succeed later without anybody changing anything. */
	readonly retryable: boolean;

	constructor(message: string, details: UdoErrorDetails) {
		super(message, details.cause === undefined ? undefined : { cause: details.cause });
		this.code = details.code;
		this.exitCode = details.exitCode ?? 1;
		this.why = details.why;
		this.next = details.next;
		this.retryable = details.retryable ?? false;
	}
}

export interface UdoErrorDetails {
	readonly code: string;
	readonly exitCode?: number;
	readonly why?: string;
	readonly next?: string;
	readonly retryable?: boolean;
	readonly cause?: unknown;
}

/** The code of a system error, such as ENOENT, or an empty string. */
export function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The store cannot be used: unreachable, full, read-only, damaged. Exit code 6; git hooks let git pass. */
export class StoreUnavailableError extends UdoError {
	override readonly name = "StoreUnavailableError";

	constructor(message: string, details: Omit<UdoErrorDetails, "code" | "exitCode">) {
		super(message, { ...details, code: "store_unavailable", exitCode: 6 });
	}
}

/** The command line makes no sense. Exit code 64. */
export class UsageError extends UdoError {
	override readonly name = "UsageError";

	constructor(message: string, details: Omit<UdoErrorDetails, "code" | "exitCode"> = {}) {
		super(message, { ...details, code: "usage", exitCode: 64 });
	}
}

/** Somebody else has it, or waiting for it took too long. Exit code 4. */
export class HeldError extends UdoError {
	override readonly name = "HeldError";

	constructor(message: string, details: Omit<UdoErrorDetails, "code" | "exitCode" | "retryable">) {
		super(message, { ...details, code: "held", exitCode: 4, retryable: true });
	}
}
