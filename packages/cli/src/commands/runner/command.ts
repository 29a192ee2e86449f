/*
 * How a command is written: what help lists of it in src/commands/index.ts, and the rest in a file there,
 * which is loaded when a command line names the command.
 *
 *   {
 *     name: 'guest show',                                       // a blank makes it a command of the group `guest`
 *     summary: 'Show what is known of a guest',
 *     arguments: [['<guest-id>', "the guest's id"]],            // reaches the input as guestId
 *     load: async () => (await import('./guest-show.ts')).guestShow,
 *   },
 *
 *   export const guestShow = command({
 *     example: 'guestpass guest show 6f2c… --json',
 *     options: [['--page <n>', 'page to show, from 1']],        // reaches the input as page
 *     input: z.object({ guestId: z.string(), page: whole(1, 1000).optional() }),
 *     async run({ guestId, page }, cli) {
 *       const { settings, hosts } = await cli.config(['hosts', 'clientId'])   // all mistakes at once
 *       cli.answer({ guestId }, () => [`Guest ${guestId}`])     // one document with --json, else lines
 *     },
 *   })
 *
 * Every command has --connection, --database, --json and --help, and a flag for each setting that is no
 * secret. `reveal: true` adds --reveal: print tokens with `cli.token(secret)`; `raw: true` adds --raw, which
 * prints the first line alone, the token in full. Throw a GuestpassError to fail: it is printed as a clear
 * block, or as a problem document with --json, and its code decides the exit code. Return a number to exit
 * with that one instead of 0. Hand `cli.signal` to everything that waits; use `finally` to clean up.
 */
import type { Secret } from '@guestpass/core'
import type * as z from 'zod'
import type { ConfigWith, Key, Need, RuntimeHost } from '@guestpass/runtime'
import type { ProgressBar } from './progress-bar.ts'
import type { HostProcess } from './host-process.ts'
import type { Line } from './styled-line.ts'

/**
 * A parameter in the syntax of commander, as `--port <n>` or `<guest-id>`, and what it takes. The text is
 * also used in remedies.
 */
export type ParameterHelp = readonly [syntax: string, about: string]

/** The entry of a command in help. */
export interface CommandListing {
  /** One word, or a group and a word. */
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly ParameterHelp[]
}

export interface ListedCommand extends CommandListing {
  load(): Promise<CommandDefinition>
}

export type LoadedCommand = CommandListing & CommandDefinition

export interface CommandDefinition<Input extends z.ZodType = z.ZodType> {
  /** An example: a whole command line. */
  readonly example: string
  readonly options?: readonly ParameterHelp[]
  /** Settings whose flags its help shows. Every command accepts the flags of all settings. */
  readonly settings?: readonly Key[]
  /** Checks arguments and options, by their names in camel case; values are texts, lists of texts or true. */
  readonly input: Input
  /** The command shows tokens. */
  readonly reveal?: true
  /** The first line of its answer is a token, which --raw prints alone and in full. */
  readonly raw?: true
  run(input: z.output<Input>, cli: Cli): Promise<number | void>
}

/** The functions that a command uses. */
export interface Cli {
  /**
   * Reads the configuration. `needs`: what must be set; what is missing is a mistake. `warn` takes the warnings;
   * default: they are printed on standard error. Rejects with `config_invalid`.
   */
  config<const N extends Need = never>(needs?: readonly N[], warn?: RuntimeHost['warn']): Promise<ConfigWith<N>>
  /**
   * Reads the configuration of another connection. Flags of settings that belong to a connection do not count for
   * it. Rejects with `config_invalid`.
   */
  configOf<const N extends Need = never>(connection: string, needs?: readonly N[]): Promise<ConfigWith<N>>
  /** The name of the connection, which is known before the configuration is read. */
  readonly connection: string
  readonly json: boolean
  /** Prints the command's one answer: the document on one line with --json, else the lines. */
  answer(document: unknown, lines: () => readonly Line[]): void
  /**
   * A line of a command that prints as it goes, besides or in place of its answer. Resolves when it has left;
   * rejects with `output_failed`.
   */
  print(line: Line): Promise<void>
  /** A token as text: masked unless --reveal or --raw is given. */
  showToken(secret: Secret): string
  /** Prints lines on standard error. */
  note(...lines: readonly string[]): void
  /** A bar on standard error; nothing is drawn where that is no terminal. Stop it in the end. */
  progress(title: string, total: number): Promise<ProgressBar>
  /** Standard input, read to its end and trimmed; for an argument of `-`. */
  input(): Promise<string>
  /** Aborts when the process is asked to end, or when nothing reads its output any more. */
  readonly signal: AbortSignal
  /** Resolves when the process is asked to end: for commands that stay up. */
  untilStopped(): Promise<void>
  readonly hostProcess: HostProcess
  /** The facts and functions of this program that a runtime needs. */
  readonly runtimeHost: RuntimeHost
}

/** Defines a command, whose input has the type of its schema. */
export const defineCommand = <Input extends z.ZodType>(written: CommandDefinition<Input>): CommandDefinition =>
  // The runner parses with the command's own schema before it calls run, so the input is always of the right
  // type.
  written
