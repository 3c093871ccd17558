package worker

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// tree is the worker and its children: a job object. Windows kills a job's
// processes with its last handle, so a launcher that dies leaves none behind.
type tree struct{ job windows.Handle }

func startTree(cmd *exec.Cmd) (tree, error) {
	job, err := newJob()
	if err != nil {
		return tree{}, err
	}
	t := tree{job: job}
	// No window flashes up, and a console's Ctrl-C does not reach the worker.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		HideWindow:    true,
		CreationFlags: windows.CREATE_NO_WINDOW | windows.CREATE_NEW_PROCESS_GROUP,
	}
	if err := cmd.Start(); err != nil {
		t.release()
		return tree{}, err
	}
	var assignErr error
	err = cmd.Process.WithHandle(func(handle uintptr) {
		assignErr = windows.AssignProcessToJobObject(job, windows.Handle(handle))
	})
	if err == nil {
		err = assignErr
	}
	// One that has ended already needs no job.
	if err != nil && processRuns(cmd.Process) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.release()
		return tree{}, fmt.Errorf("put worker into its job object: %w", err)
	}
	return t, nil
}

func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, fmt.Errorf("create job object: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job)
		return 0, fmt.Errorf("set job object's limits: %w", err)
	}
	return job, nil
}

func processRuns(p *os.Process) bool {
	running := false
	_ = p.WithHandle(func(handle uintptr) {
		event, err := windows.WaitForSingleObject(windows.Handle(handle), 0)
		running = err == nil && event == uint32(windows.WAIT_TIMEOUT)
	})
	return running
}

func (t tree) kill() { _ = windows.TerminateJobObject(t.job, uint32(ExitCrashed)) }

// release ends what the worker left behind.
func (t tree) release() { _ = windows.CloseHandle(t.job) }

func dumpStacks(*os.Process) bool { return false }
