/** What was asked of a measure, and whether it came out so. */
export interface Target {
  readonly says: string
  readonly reached: number
  readonly bound: 'at least' | 'at most'
  readonly wanted: number
  readonly met: boolean
}

export const atLeast = (says: string, reached: number, wanted: number): Target => ({
  says,
  reached,
  bound: 'at least',
  wanted,
  met: reached >= wanted,
})

export const atMost = (says: string, reached: number, wanted: number): Target => ({
  says,
  reached,
  bound: 'at most',
  wanted,
  met: reached <= wanted,
})

export const verdict = ({ says, reached, bound, wanted, met }: Target): string =>
  `${met ? 'met' : 'MISSED'}: ${says}: ${reached} (wanted: ${bound} ${wanted})`
