import process from 'node:process'

/** The environment, folder and standard error of the process: the defaults of options. */
export const processDefaults = {
  env: (): Readonly<Record<string, string | undefined>> => process.env,
  cwd: (): string => process.cwd(),
  print: (line: string): void => void process.stderr.write(`${line}\n`),
}
