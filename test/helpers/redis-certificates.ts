import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** An authority and a server's certificate from it, for 127.0.0.1 and localhost, made by openssl; removed when disposed of. */
export class Certificates implements AsyncDisposable {
	/** PEM file of the authority: what a client must trust. */
	readonly authority: string;
	readonly certificate: string;
	readonly key: string;
	readonly #directory: string;

	private constructor(directory: string) {
		this.#directory = directory;
		this.authority = join(directory, "ca.pem");
		this.certificate = join(directory, "server.pem");
		this.key = join(directory, "server.key");
	}

	static async make(): Promise<Certificates> {
		const certificates = new Certificates(await mkdtemp(join(tmpdir(), "udo-tls-")));
		await certificates.#make();
		return certificates;
	}

	async #make(): Promise<void> {
		const openssl = (...args: string[]) => run("openssl", args, { cwd: this.#directory });
		const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
		await openssl("req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=Test", "-keyout", "ca.key", "-out", "ca.pem");
		await openssl("req", ...newKey, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr");
		await writeFile(join(this.#directory, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
		const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
		await openssl("x509", "-req", "-in", "server.csr", ...signed, "-out", "server.pem");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#directory, { recursive: true, force: true });
	}
}
