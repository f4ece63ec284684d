import type { Client, ClientTerms } from "./client.ts";
import { LinkError } from "./failure.ts";
import type { Address, TcpAddress, Topology } from "./settings.ts";

type SentinelTopology = Extract<Topology, { kind: "sentinel" }>;

// How long those are waited for that have not answered when most have: one that stands still must not hold everybody up.
const lateMs = 50;

/**
 * Asks all sentinels at once where the master is and believes the newest configuration, as they do among themselves: the one that
 * led a failover knows a second or two before the others. Rejects when none knows.
 */
export async function locateMaster(
	{ name, sentinels, password }: SentinelTopology,
	terms: Pick<ClientTerms, "tls" | "connectMs" | "commandMs">,
	open: (terms: ClientTerms) => Promise<Client>,
): Promise<Address> {
	const answers: Known[] = [];
	const failures: unknown[] = [];
	let mostAnswered = () => {};
	const most = new Promise<void>((resolve) => {
		mostAnswered = () => setTimeout(resolve, lateMs);
	});
	const asked = sentinels.map(async (sentinel) => {
		try {
			answers.push(await ask(name, { ...terms, address: sentinel, db: 0, username: undefined, password }, open));
			if (answers.length === Math.floor(sentinels.length / 2) + 1) mostAnswered();
		} catch (error) {
			failures.push(error);
		}
	});
	await Promise.race([most, Promise.all(asked)]);
	const [newest] = answers.sort((a, b) => b.epoch - a.epoch);
	if (newest !== undefined) return newest.address;
	throw failures.find((failure) => failure instanceof LinkError && failure.kind === "no-master") ?? failures[0];
}

interface Known {
	readonly address: TcpAddress;
	/** Of the failover that made it the master. */
	readonly epoch: number;
}

async function ask(name: string, terms: ClientTerms, open: (terms: ClientTerms) => Promise<Client>): Promise<Known> {
	const client = await open(terms);
	try {
		const [address, facts] = await Promise.all([
			client.send("sentinel", ["get-master-addr-by-name", name], { isIdle: true }),
			// One that does not know the name says so to the other question, with nothing.
			client.send("sentinel", ["master", name], { isIdle: true }).catch(() => []),
		]);
		if (!Array.isArray(address) || address.length < 2)
			throw new LinkError("no-master", `the sentinels know no master called ${name}`);
		const list = Array.isArray(facts) ? facts.map(String) : [];
		const epoch = Number(list[list.indexOf("config-epoch") + 1]);
		return {
			address: { kind: "tcp", host: String(address[0]), port: Number(address[1]) },
			epoch: Number.isFinite(epoch) ? epoch : 0,
		};
	} finally {
		client.close();
	}
}
