import process from 'node:process'

/** What the process gives where the options do not say otherwise. */
export const processDefaults = {
  env: (): Readonly<Record<string, string | undefined>> => process.env,
  cwd: (): string => process.cwd(),
  print: (line: string): void => void process.stderr.write(`${line}\n`),
}
