// Package testkit is what the suites stand on: it builds and runs the programs, stands in for Hermès and binds clients.
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }
//
//	func TestATextReachesHermes(t *testing.T) {
//		hermes := testkit.StartHermes(t)
//		config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes.URL()})
//		smppserv := testkit.StartWorker(t, config) // built once, ready, stopped politely at the test's end
//		c := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
//		id := c.Submit("33612345678", "3600", "Bonjour")
//		hermes.Await(t, "the push", func(p testkit.Push) bool { return p.Message.ID == id })
//	}
//
// What must come is awaited, at most for Patience. A test that fails shows the end of its programs' logs; a data race in
// a program fails the test that ran it. A peer that is not installed skips its test, and fails it where CI is set.
package testkit
