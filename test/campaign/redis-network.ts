import { execFileSync, spawnSync } from "node:child_process";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What is wrong between one machine and the others. */
export type Trouble =
	| { readonly kind: "drop" | "in" | "out" }
	| { readonly kind: "delay"; readonly ms: number }
	| { readonly kind: "loss"; readonly percent: number };

/** Whether machines can have networks of their own here. */
export const canPartition =
	process.getuid?.() === 0 &&
	[
		["ip", "netns", "list"],
		["nft", "list", "tables"],
	].every(([command = "", ...args]) => spawnSync(command, args).status === 0);

const port = 6379;
let opened = 0;

/**
 * A network namespace for each machine, and a bridge between them on which Redis listens. Packets are lost in the machine's own
 * packet filter. A delay is made by the relay in front of Redis, since not every kernel has netem.
 */
export class Network implements AsyncDisposable {
	readonly #name: string;
	readonly #subnet: string;
	readonly #machines: readonly string[];
	#relay: Relay | undefined;

	private constructor(name: string, subnet: string, machines: readonly string[]) {
		this.#name = name;
		this.#subnet = subnet;
		this.#machines = machines;
	}

	/** `socket`: where Redis really listens. */
	static async open(socket: string, machines: readonly string[]): Promise<Network> {
		// The kernel takes its time to forget the last one's.
		const name = `udo${process.pid.toString(36)}${opened++}`;
		const subnet = `10.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 250)}`;
		const network = new Network(name, subnet, machines);
		try {
			network.#build();
			network.#relay = await Relay.listen(`${subnet}.1`, socket);
			return network;
		} catch (error) {
			await network[Symbol.asyncDispose]();
			throw error;
		}
	}

	/** How every machine reaches Redis. */
	get url(): string {
		return `redis://${this.#subnet}.1:${port}`;
	}

	namespaceOf(machine: string): string {
		return `${this.#name}m${this.#machines.indexOf(machine)}`;
	}

	async trouble(machine: string, trouble: Trouble): Promise<void> {
		const namespace = this.namespaceOf(machine);
		if (trouble.kind === "delay") {
			this.#relay?.delay(`${this.#subnet}.${this.#machines.indexOf(machine) + 2}`, trouble.ms);
			return;
		}
		const drop = trouble.kind === "loss" ? `numgen random mod 100 < ${trouble.percent} drop` : "drop";
		nft(namespace, "add table inet udo");
		for (const hook of ["input", "output"]) {
			if (trouble.kind === "in" && hook === "output") continue;
			if (trouble.kind === "out" && hook === "input") continue;
			nft(namespace, `add chain inet udo ${hook} { type filter hook ${hook} priority 0; }`);
			nft(namespace, `add rule inet udo ${hook} ${drop}`);
		}
	}

	async heal(machine: string): Promise<void> {
		this.#relay?.delay(undefined, 0);
		inside(this.namespaceOf(machine), "nft", "flush", "ruleset");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#relay?.[Symbol.dispose]();
		// What was not made cannot be removed.
		for (const machine of this.#machines) spawnSync("ip", ["netns", "del", this.namespaceOf(machine)]);
		for (const [index] of this.#machines.entries()) spawnSync("ip", ["link", "del", `${this.#name}h${index}`]);
		spawnSync("ip", ["link", "del", this.#name]);
	}

	#build(): void {
		ip("link", "add", this.#name, "type", "bridge");
		ip("addr", "add", `${this.#subnet}.1/24`, "dev", this.#name);
		ip("link", "set", this.#name, "up");
		for (const [index, machine] of this.#machines.entries()) {
			const [here, there] = [`${this.#name}h${index}`, this.namespaceOf(machine)];
			ip("netns", "add", there);
			ip("link", "add", here, "type", "veth", "peer", "name", there);
			ip("link", "set", here, "master", this.#name, "up");
			ip("link", "set", there, "netns", there);
			inside(there, "ip", "link", "set", "lo", "up");
			inside(there, "ip", "addr", "add", `${this.#subnet}.${index + 2}/24`, "dev", there);
			inside(there, "ip", "link", "set", there, "up");
		}
	}
}

/** Hands bytes on between TCP and a unix socket, later for one client if told so. */
class Relay implements Disposable {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#delayed: string | undefined;
	#delayMs = 0;

	private constructor(server: Server, target: string) {
		this.#server = server;
		server.on("connection", (client) => {
			const redis = connect(target);
			this.#hand(client, redis, client);
			this.#hand(redis, client, client);
		});
	}

	static async listen(host: string, target: string): Promise<Relay> {
		const server = createServer();
		const relay = new Relay(server, target);
		await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
		return relay;
	}

	delay(address: string | undefined, ms: number): void {
		this.#delayed = address;
		this.#delayMs = ms;
	}

	[Symbol.dispose](): void {
		this.#server.close();
		for (const socket of this.#sockets) socket.destroy();
	}

	#hand(from: Socket, to: Socket, client: Socket): void {
		this.#sockets.add(from);
		const onTheWay: { readonly due: number; readonly chunk: Buffer }[] = [];
		const arrive = () => {
			while (onTheWay[0] !== undefined && onTheWay[0].due <= performance.now()) to.write(onTheWay.shift()?.chunk ?? "");
			const [next] = onTheWay;
			if (next !== undefined) setTimeout(arrive, Math.ceil(next.due - performance.now()));
		};
		from.on("data", (chunk) => {
			const ms = client.remoteAddress === this.#delayed ? this.#delayMs / 2 : 0;
			onTheWay.push({ due: performance.now() + ms, chunk });
			if (onTheWay.length === 1) arrive();
		});
		from.on("error", () => {});
		from.on("close", () => {
			this.#sockets.delete(from);
			to.destroy();
		});
	}
}

function ip(...args: readonly string[]): void {
	execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function inside(namespace: string, command: string, ...args: readonly string[]): void {
	ip("netns", "exec", namespace, command, ...args);
}

function nft(namespace: string, command: string): void {
	inside(namespace, "nft", command);
}
