package runs

const (
	MaxSealed   = maxSealed
	StepOctets  = stepOctets
	ClearPieces = clearPieces
	WitherPairs = witherPairs
)

// Held is the memory that marks and filters take.
func (x *Index) Held() (marks, filters int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range x.runs {
		marks += r.markOctets()
		filters += len(r.filter)
	}
	return marks, filters
}
