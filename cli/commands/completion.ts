import { Argument, type Command } from "commander";
import type { Cli } from "../command.ts";

export function define(command: Command, cli: Cli): void {
	command
		.addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
		.addHelpText("after", '\nbash, zsh: eval "$(udo completion bash)"   fish: udo completion fish | source')
		.action(
			cli.action(async (shell: "bash" | "zsh" | "fish") => {
				const names = (command.parent?.createHelp().visibleCommands(command.parent) ?? []).map((each) => each.name());
				const script = scripts[shell](names);
				cli.output.result("completion", { script }, [script]);
				return 0;
			}),
		);
}

// The first word is a command; after it come paths, which the shell itself completes best.
const scripts = {
	bash: (names: readonly string[]) =>
		`_udo() { if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${names.join(" ")}" -- "\${COMP_WORDS[1]}")); fi; }
complete -o default -o bashdefault -F _udo udo`,
	zsh: (names: readonly string[]) =>
		`_udo() { if (( CURRENT == 2 )); then compadd ${names.join(" ")}; else _files; fi }
compdef _udo udo`,
	fish: (names: readonly string[]) => `complete -c udo -n __fish_use_subcommand -f -a "${names.join(" ")}"`,
};
