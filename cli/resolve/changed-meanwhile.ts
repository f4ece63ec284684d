import { showText } from "../../server/coordination/describe.ts";
import { UdoError } from "../../server/errors.ts";

/** Somebody else wrote the file between udo's look and udo's write. */
export function changedMeanwhile(path: string): UdoError {
	return new UdoError(`${showText(path, 120)} was changed meanwhile`, {
		code: "changed_meanwhile",
		why: "by somebody else, after udo looked; their change was kept.",
		next: "udo resolve",
		retryable: true,
	});
}
