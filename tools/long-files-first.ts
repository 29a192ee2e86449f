import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that start processes, servers and browsers: the longest of them take over a minute. */
const long = /\/tools\/test\/|\/e2e\/|\/browser\/|\/processes\.test|e2e\.test|kills\.test/

const rank = ({ moduleId }: TestSpecification): number => (long.test(moduleId) ? 0 : 1)

/** Starts the long files first, so that none of them is left alone at the end of a run. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}
