/** One thing to try. `run` resolves with what is wrong, or with nothing. */
export interface Cell {
  readonly name: string
  readonly run: () => Promise<string | undefined>
}

/** How many of each. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

async function faultOf({ run }: Cell): Promise<string | undefined> {
  try {
    return await run()
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

/** Tries every cell, `atOnce` of them at a time, and prints a line for each. */
export async function tried(cells: readonly Cell[], atOnce: number): Promise<Tally> {
  const waiting = [...cells]
  let failed = 0
  const worker = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const started = performance.now()
      const fault = await faultOf(cell)
      const took = `${((performance.now() - started) / 1_000).toFixed(1)} s`
      if (fault !== undefined) failed += 1
      console.log(
        fault === undefined
          ? `passed: ${cell.name}, ${took}`
          : `FAILED: ${cell.name}\n${fault.replaceAll(/^/gm, '    ')}`,
      )
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { passed: cells.length - failed, failed }
}
