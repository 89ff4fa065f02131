// The types that scripts for the predecessor construct and read. C# 5, for Windows PowerShell's own compiler.
using System;

namespace Lithnet.Miiserver.AutoSync
{
    public enum MARunProfileType { None, DeltaImport, FullImport, Export, DeltaSync, FullSync }

    public class ExecutionParameters
    {
        public string RunProfileName { get; set; }
        public MARunProfileType RunProfileType { get; set; }
        public Guid PartitionID { get; set; }
        public string PartitionName { get; set; }
        public bool Exclusive { get; set; }
        public bool RunImmediate { get; set; }
        public string Token { get; set; }
        public string Text { get; set; }

        public ExecutionParameters() { }
        public ExecutionParameters(string runProfileName) : this(runProfileName, false) { }
        public ExecutionParameters(string runProfileName, bool exclusive)
        {
            RunProfileName = runProfileName;
            Exclusive = exclusive;
        }
        public ExecutionParameters(MARunProfileType runProfileType) : this(runProfileType, null, false) { }
        public ExecutionParameters(MARunProfileType runProfileType, bool exclusive) : this(runProfileType, null, exclusive) { }
        public ExecutionParameters(MARunProfileType runProfileType, Guid partitionID) : this(runProfileType, partitionID, false) { }
        public ExecutionParameters(MARunProfileType runProfileType, Guid partitionID, bool exclusive)
        {
            RunProfileType = runProfileType;
            PartitionID = partitionID;
            Exclusive = exclusive;
        }
        public ExecutionParameters(MARunProfileType runProfileType, string partitionName, bool exclusive)
        {
            RunProfileType = runProfileType;
            PartitionName = partitionName;
            Exclusive = exclusive;
        }
    }

    public class UnexpectedChangeException : Exception
    {
        public bool ShouldTerminateService { get; set; }

        public UnexpectedChangeException() { }
        public UnexpectedChangeException(bool shouldTerminateService) { ShouldTerminateService = shouldTerminateService; }
        public UnexpectedChangeException(bool shouldTerminateService, string message) : base(message)
        {
            ShouldTerminateService = shouldTerminateService;
        }
        public UnexpectedChangeException(string message) : base(message) { }
        public UnexpectedChangeException(string message, Exception innerException) : base(message, innerException) { }
    }

    public sealed class CallbackEventBridge
    {
        public event AsyncCallback CallbackComplete;

        private CallbackEventBridge() { }

        public AsyncCallback Callback { get { return Complete; } }

        public static CallbackEventBridge Create() { return new CallbackEventBridge(); }

        private void Complete(IAsyncResult result)
        {
            AsyncCallback listeners = CallbackComplete;
            if (listeners != null) { listeners(result); }
        }
    }
}

namespace Lithnet.Miiserver.Client
{
    [Flags]
    public enum RunStepType
    {
        Unknown = 0,
        Export = 1,
        FullImport = 2,
        DeltaImport = 4,
        FullSynchronization = 8,
        DeltaSynchronization = 16,
        FullImportFullSynchronization = 32,
        DeltaImportDeltaSynchronization = 64,
        FullImportDeltaSynchronization = 128
    }

    public class RunStep
    {
        private const RunStepType Combined = RunStepType.FullImportFullSynchronization
            | RunStepType.DeltaImportDeltaSynchronization | RunStepType.FullImportDeltaSynchronization;

        public RunStepType Type { get; set; }
        public string Partition { get; set; }
        public bool IsImportStep { get { return Is(Combined | RunStepType.FullImport | RunStepType.DeltaImport); } }
        public bool IsSyncStep { get { return IsDeltaSyncStep || IsFullSyncStep; } }
        public bool IsDeltaSyncStep
        {
            get
            {
                return Is(RunStepType.DeltaSynchronization | RunStepType.DeltaImportDeltaSynchronization
                    | RunStepType.FullImportDeltaSynchronization);
            }
        }
        public bool IsFullSyncStep { get { return Is(RunStepType.FullSynchronization | RunStepType.FullImportFullSynchronization); } }
        public bool IsExportStep { get { return Is(RunStepType.Export); } }
        public bool IsCombinedStep { get { return Is(Combined); } }
        public string StepTypeDescription { get { return Type.ToString(); } }

        private bool Is(RunStepType types) { return (Type & types) != 0; }
    }

    public class StagingCounters
    {
        public int StageNoChange { get; set; }
        public int StageAdd { get; set; }
        public int StageUpdate { get; set; }
        public int StageRename { get; set; }
        public int StageDelete { get; set; }
        public int StageDeleteAdd { get; set; }
        public int StageFailure { get; set; }
        public int StagingChanges { get { return StageAdd + StageUpdate + StageRename + StageDelete + StageDeleteAdd; } }
        // The predecessor's own example asks for it under this name.
        public int StageChanged { get { return StagingChanges; } }
        public bool HasChanges { get { return StagingChanges > 0; } }
    }

    public class ExportCounters
    {
        public int ExportAdd { get; set; }
        public int ExportUpdate { get; set; }
        public int ExportRename { get; set; }
        public int ExportDelete { get; set; }
        public int ExportDeleteAdd { get; set; }
        public int ExportFailure { get; set; }
        public int ExportChanges
        {
            get { return ExportAdd + ExportUpdate + ExportRename + ExportDelete + ExportDeleteAdd + ExportFailure; }
        }
        public bool HasChanges { get { return ExportChanges > 0; } }
    }

    public class InboundFlowCounters
    {
        public int DisconnectorFiltered { get; set; }
        public int DisconnectorJoinedNoFlow { get; set; }
        public int DisconnectorJoinedFlow { get; set; }
        public int DisconnectorJoinedRemoveMV { get; set; }
        public int DisconnectorProjectedNoFlow { get; set; }
        public int DisconnectorProjectedFlow { get; set; }
        public int DisconnectorProjectedRemoveMV { get; set; }
        public int DisconnectedRemains { get; set; }
        public int ConnectorFilteredRemoveMV { get; set; }
        public int ConnectedFilteredLeaveMV { get; set; }
        public int ConnectorFlow { get; set; }
        public int ConnectorFlowRemoveMV { get; set; }
        public int ConnectorNoFlow { get; set; }
        public int ConnectorDeleteRemoveMV { get; set; }
        public int ConnectorDeleteLeaveMV { get; set; }
        public int ConnectorDeleteAddProcessed { get; set; }
        public int FlowFailure { get; set; }
        public int TotalProjections
        {
            get { return DisconnectorProjectedFlow + DisconnectorProjectedNoFlow + DisconnectorProjectedRemoveMV; }
        }
        public int TotalJoins { get { return DisconnectorJoinedFlow + DisconnectorJoinedNoFlow + DisconnectorJoinedRemoveMV; } }
        public int TotalFilteredConnectors { get { return ConnectorFilteredRemoveMV + ConnectedFilteredLeaveMV; } }
        public int TotalDeletedConnectors { get { return ConnectorDeleteLeaveMV + ConnectorDeleteRemoveMV; } }
        public int TotalMVObjectDeletes { get { return ConnectorFlowRemoveMV + ConnectorDeleteRemoveMV; } }
    }

    public class OutboundFlowCounters
    {
        public string ManagementAgent { get; set; }
        public int ProvisionedAddNoFlow { get; set; }
        public int ProvisionedAddFlow { get; set; }
        public int ProvisionedRenameNoFlow { get; set; }
        public int ProvisionRenameFlow { get; set; }
        public int ProvisionedDisconnect { get; set; }
        public int ProvisionedDeleteAddNoFlow { get; set; }
        public int ProvisionedDeleteAddFlow { get; set; }
        public int ConnectorFlow { get; set; }
        public int ConnectorNoFlow { get; set; }
        public int OutboundFlowChanges { get; set; }
        public bool HasChanges { get { return OutboundFlowChanges > 0; } }
    }

    public class MAObjectError
    {
        public string ErrorType { get; set; }
        public string DN { get; set; }
        public int LineNumber { get; set; }
        public string Message { get; set; }
    }

    public class ImportError
    {
        public string ErrorType { get; set; }
        public string DN { get; set; }
        public int RetryCount { get; set; }
        public string Message { get; set; }
    }

    public class ExportError
    {
        public string ErrorType { get; set; }
        public string DN { get; set; }
        public int RetryCount { get; set; }
        public string Message { get; set; }
    }

    public class SynchronizationErrors
    {
        public ImportError[] ImportErrors { get; set; }
        public ExportError[] ExportErrors { get; set; }
    }

    public class StepDetails
    {
        public int StepNumber { get; set; }
        public string StepResult { get; set; }
        public DateTime? StartDate { get; set; }
        public DateTime? EndDate { get; set; }
        public RunStep StepDefinition { get; set; }
        public StagingCounters StagingCounters { get; set; }
        public InboundFlowCounters InboundFlowCounters { get; set; }
        public OutboundFlowCounters[] OutboundFlowCounters { get; set; }
        public ExportCounters ExportCounters { get; set; }
        public MAObjectError[] MADiscoveryErrors { get; set; }
        public SynchronizationErrors SynchronizationErrors { get; set; }
    }

    public class RunDetails
    {
        public Guid MAID { get; set; }
        public string MAName { get; set; }
        public int RunNumber { get; set; }
        public string RunProfileName { get; set; }
        public string SecurityID { get; set; }
        public string Status { get; set; }
        public string Message { get; set; }
        public bool Managed { get; set; }
        public string LastStepStatus { get; set; }
        public DateTime? StartTime { get; set; }
        public DateTime? EndTime { get; set; }
        public StepDetails[] StepDetails { get; set; }
    }
}
