import { readFileSync } from 'node:fs'

/** Where a process's signal dispositions show, on Linux alone. */
const STATUS = '/proc/self/status'

/** Whether SIGHUP, signal 1, is in a mask as `/proc` writes it. */
const masksSighup = (status: string): boolean => {
  const mask = /^SigIgn:\s+([\da-f]+)$/m.exec(status)?.[1]
  return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n
}

/**
 * Whether the end of a terminal does not concern this process, so that SIGHUP is to be ignored, as `nohup`
 * asks. Node sets an ignored signal back to its default before any script runs, so `/proc` does not tell of
 * it: the shell's `_` names nohup, or none of the standard streams is a terminal, which nohup sees to and a
 * terminal's end cannot change.
 */
export function isSighupIgnored(
  {
    env,
    terminals,
  }: { readonly env: Readonly<Record<string, string | undefined>>; readonly terminals: readonly boolean[] },
  status: () => string = () => readFileSync(STATUS, 'utf8'),
): boolean {
  if (/(^|\/)nohup$/.test(env['_'] ?? '')) return true
  if (!terminals.includes(true)) return true
  try {
    return masksSighup(status())
  } catch {
    return false
  }
}
